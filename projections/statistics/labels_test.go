package statistics

import (
	"testing"

	"imagine.ua/litopys/domain/statistics"
)

func TestCoarse(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0":                                                                   "firefox",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36 Edg/124.0":                "edge",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1":  "safari",
		"Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)":                                                                          "internet-explorer",
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)":                                                                  "bot",
		"Opera/9.80 (J2ME/MIDP; Opera Mini/9.80/28.2725; U; en) Presto/2.8.119 Version/11.10":                                                      "opera",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/124.0.0.0 Safari/537.36 something (else)": "bot",
	} {
		if got := coarse(statistics.Browser, raw); got != want {
			t.Errorf("%s: %q, want %q", raw, got, want)
		}
	}
	for raw, want := range map[string]string{"/": "home", "": "home", "/blog": "blog", "/Blog/2015?x=/news#y": "blog", "https://imagine.ua/news/1": "news",
		"//evil/news": "news", "/%zz": "", "/%7Eoksana": "~oksana"} {
		if got := coarse(statistics.Page, raw); got != want {
			t.Errorf("%q: %q, want %q", raw, got, want)
		}
	}
}

// Whatever the raw value, the label is one of the plan's.
func FuzzLabel(f *testing.F) {
	for _, s := range []string{"", "/", "Opera/", "((((", "Mozilla/5.0 (", "\xff\xfe", "/user/oksana@example.org", "Android; ;", "bot"} {
		f.Add(s)
	}
	plan := statistics.Builtin()
	f.Fuzz(func(t *testing.T, raw string) {
		for _, d := range []statistics.Dimension{statistics.Browser, statistics.Page} {
			l := plan.Label(d, coarse(d, raw))
			if l != statistics.Other && plan.Label(d, string(l)) != l {
				t.Errorf("%s %q becomes %q", d, raw, l)
			}
		}
	})
}
