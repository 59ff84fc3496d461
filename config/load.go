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
	// From is "default", "file", the environment variable or the flag.
	From string
}

// Load reads the sources, refuses unknown names and wrong values (all at once, errors.Is ErrInvalid).
func Load(src Sources) (Loaded, error) {
	v := viper.New()
	file, err := readFile(v, src.File)
	if err != nil {
		return Loaded{}, invalid(err)
	}
	unknown := append(unknownInFile(v, file), unknownInEnvironment(os.Environ())...)
	if len(unknown) > 0 {
		return Loaded{}, invalid(errors.Join(unknown...))
	}
	if err := bind(v, src.Flags); err != nil {
		return Loaded{}, invalid(err)
	}
	loaded := Loaded{File: file}
	if err := v.UnmarshalExact(&loaded.Config); err != nil {
		return Loaded{}, invalid(err)
	}
	if err := loaded.Validate(); err != nil {
		return Loaded{}, invalid(err)
	}
	loaded.Settings = settings(v, src.Flags)
	return loaded, nil
}

func invalid(err error) error { return fmt.Errorf("%w: %w", ErrInvalid, err) }

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
		return "", fmt.Errorf("read %s: %w", path, err)
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

func settings(v *viper.Viper, flags *pflag.FlagSet) []Setting {
	var out []Setting
	for _, k := range Knobs() {
		s := Setting{Knob: k, Value: k.show(v.GetString(k.Name)), From: "default"}
		if v.InConfig(k.Name) {
			s.From = "file"
		}
		if os.Getenv(k.Variable()) != "" {
			s.From = k.Variable()
		}
		if givenFlag(flags, k) != nil {
			s.From = "--" + k.Flag
		}
		out = append(out, s)
	}
	return out
}
