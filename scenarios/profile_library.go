package scenarios

import (
	"embed"
	"io/fs"
	"strings"
)

//go:embed profiles/*.yaml
var profileFiles embed.FS

//go:embed profile.reference.yaml
var profileReference []byte

// LibraryProfiles are the names of the profiles that come with simcap, in alphabetical order.
func LibraryProfiles() []string {
	files, err := fs.Glob(profileFiles, "profiles/*.yaml")
	if err != nil {
		panic("scenarios: " + err.Error())
	}
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(file, "profiles/"), ".yaml")
	}
	return names
}

// LibraryProfile is the text of a profile that comes with simcap; false where there is none of the
// name.
func LibraryProfile(name string) ([]byte, bool) {
	text, err := profileFiles.ReadFile("profiles/" + name + ".yaml")
	return text, err == nil
}
