package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

// DefaultFile is read from the working folder when no other file is named and it is there.
const DefaultFile = "litopys.yaml"

// FileVariable names the environment variable that names the file.
const FileVariable = prefix + "CONFIG"

const prefix = "LITOPYS_"

// ErrInvalid marks a configuration that can't be used: unreadable, with unknown names or wrong values.
var ErrInvalid = errors.New("configuration")

// InvalidError is an ErrInvalid that lists everything that is wrong.
type InvalidError struct{ Problems []error }

// Error shows one problem a line.
func (e *InvalidError) Error() string { return "configuration: " + errors.Join(e.Problems...).Error() }

// Is makes it an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

// Unwrap gives the problems.
func (e *InvalidError) Unwrap() []error { return e.Problems }

// Sources says where to look.
type Sources struct {
	// File is the path of the YAML file. Empty: the file that LITOPYS_CONFIG names, else litopys.yaml
	// when it is there, else none.
	File string
	// Flags holds the flags given; a flag counts when its name is a knob's Flag and it was set. Optional.
	Flags *pflag.FlagSet
}

// Loaded is a configuration and where each of its values came from.
type Loaded struct {
	Config
	// File is the file that was read, or empty.
	File     string
	Settings []Setting
}

// Setting is one knob as it stands, for showing.
type Setting struct {
	Knob
	// Value is the value as text; a secret shows only whether it is set.
	Value string
	// From is "default", "file", the environment variable or the flag; "default" also where what a source gives can't
	// be read.
	From string
}

// Load reads the sources. What is wrong with them, unknown names, unreadable and wrong values, it names all at once
// (an *InvalidError), and beside that gives what could be read, with the default in place of what could not, so that
// a check can look further.
func Load(src Sources) (Loaded, error) {
	v := viper.New()
	file, err := readFile(v, src.File)
	problems := list(err)
	problems = append(problems, unknownInFile(v, file)...)
	problems = append(problems, unknownInEnvironment(os.Environ())...)
	if err := bind(v, src.Flags); err != nil {
		return Loaded{}, err
	}
	whole, settings, wrong := readable(v, src.Flags)
	loaded := Loaded{File: file, Settings: settings}
	if err := whole.UnmarshalExact(&loaded.Config); err != nil {
		return Loaded{}, fmt.Errorf("configuration: %w", err)
	}
	problems = slices.Concat(problems, wrong, loaded.problems())
	if len(problems) > 0 {
		return loaded, &InvalidError{problems}
	}
	return loaded, nil
}

func list(err error) []error {
	if err == nil {
		return nil
	}
	return []error{err}
}

// readable gives every knob a value of its kind: its own, or the default where that can't be read or is missing. It
// says of each where that came from.
func readable(v *viper.Viper, flags *pflag.FlagSet) (whole *viper.Viper, settings []Setting, wrong []error) {
	whole = viper.New()
	for _, k := range Knobs() {
		from := source(v, flags, k)
		value, err := k.read(v.Get(k.Name))
		if err != nil {
			wrong, from = append(wrong, fmt.Errorf("%s: %w", k.Name, err)), fromDefault
		}
		whole.Set(k.Name, value)
		settings = append(settings, Setting{Knob: k, Value: k.show(whole.GetString(k.Name)), From: from})
	}
	return whole, settings, wrong
}

// fromDefault is where a value comes from that no source gives.
const fromDefault = "default"

// source names the first source that gives the knob.
func source(v *viper.Viper, flags *pflag.FlagSet, k Knob) string {
	switch {
	case givenFlag(flags, k) != nil:
		return "--" + k.Flag
	case os.Getenv(k.Variable()) != "":
		return k.Variable()
	case v.InConfig(k.Name):
		return "file"
	}
	return fromDefault
}

// readFile reads the file into v and gives its path, empty when there is none to read.
func readFile(v *viper.Viper, path string) (string, error) {
	if path == "" {
		path = os.Getenv(FileVariable)
	}
	if path == "" {
		if _, err := os.Stat(DefaultFile); errors.Is(err, fs.ErrNotExist) {
			return "", nil
		}
		path = DefaultFile
	}
	v.SetConfigFile(path)
	v.SetConfigType("yaml")
	if err := v.ReadInConfig(); err != nil {
		return path, fmt.Errorf("read %s: %w", path, err)
	}
	return path, nil
}

func unknownInFile(v *viper.Viper, file string) []error {
	var errs []error
	for _, key := range v.AllKeys() {
		if _, ok := knob(key); !ok {
			errs = append(errs, fmt.Errorf("%s: unknown name %q%s", file, key, hint(key, names())))
		}
	}
	return errs
}

// unknownInEnvironment refuses LITOPYS_ variables that no knob has. LITOPYS_TEST_ is left to tests.
func unknownInEnvironment(environ []string) []error {
	var errs []error
	known := []string{FileVariable}
	for _, k := range Knobs() {
		known = append(known, k.Variable())
	}
	slices.Sort(environ)
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || strings.HasPrefix(name, prefix+"TEST_") {
			continue
		}
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("environment: unknown variable %s%s", name, hint(name, known)))
		}
	}
	return errs
}

func bind(v *viper.Viper, flags *pflag.FlagSet) error {
	for _, k := range Knobs() {
		v.SetDefault(k.Name, k.Default)
		if err := v.BindEnv(k.Name, k.Variable()); err != nil {
			return err
		}
		if f := givenFlag(flags, k); f != nil {
			if err := v.BindPFlag(k.Name, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func givenFlag(flags *pflag.FlagSet, k Knob) *pflag.Flag {
	if flags == nil || k.Flag == "" {
		return nil
	}
	if f := flags.Lookup(k.Flag); f != nil && f.Changed {
		return f
	}
	return nil
}
