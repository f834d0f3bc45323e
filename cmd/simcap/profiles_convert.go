package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/simcap/simcap/calibrate/convert"
	"github.com/simcap/simcap/calibrate/profile"
	"github.com/simcap/simcap/scenarios"
)

// convertFlags are what `simcap profiles convert` can be told.
type convertFlags struct {
	from, out, as string
	force         bool
	gpus          []string
	p             profile.Profile
}

func newProfilesConvertCommand() *cobra.Command {
	var f convertFlags
	var formats strings.Builder
	for _, v := range convert.Formats() {
		fmt.Fprintf(&formats, "\n  %-14s %s", v[0], v[1])
	}
	cmd := &cobra.Command{
		Use:   "convert FILE...",
		Short: "Make a profile of another tool's results",
		Long: "Convert reads results of other benchmarks and writes a profile. Several files of one " +
			"format are\n" +
			"several loads. A file may have the batch size of its requests before it: 8=perf_b8.csv.\n\n" +
			"Formats:" + formats.String(),
		Example: "  simcap profiles convert latency.csv --name mymodel-l4 --gpu \"NVIDIA L4\"\n" +
			"  simcap profiles convert 1=b1.csv 8=b8.csv --from perf_analyzer -o model.yaml\n" +
			"  simcap profiles convert c1.json c8.json c64.json -o llama.yaml",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	o := &f.p.Provenance
	s := cmd.Flags()
	s.StringVar(&f.from, "from", "auto", "the format of the files")
	s.StringVar(&f.as, "as", asRequests, "requests: the time of whole requests; llm: an engine with "+
		"continuous batching")
	s.StringVarP(&f.out, "out", "o", "", "file of the profile (default NAME.yaml; - prints it)")
	s.BoolVar(&f.force, "force", false, "overwrite the file")
	s.StringVar(&f.p.Name, "name", "", "name of the profile (default: that of the first file)")
	s.StringVar(&f.p.Description, "description", "", "what was measured, in a sentence")
	s.StringVar(&o.Model, "model", "", "the model that was served")
	s.StringVar(&o.Engine, "engine", "", "the server and its version")
	s.StringVar(&o.GPU, "gpu", "", "the GPU as its driver names it")
	s.IntVar(&o.GPUCount, "gpu-count", 0, "GPUs that the server used")
	s.StringSliceVar(&f.gpus, "valid-gpu", nil,
		"GPUs for which it holds, as scenarios name them: A100,A100-80GB")
	s.StringVar(&o.Date, "date", "", "the day of the measurement")
	s.StringVar(&o.Source, "source", "", "where published numbers come from")
	s.StringVar(&o.Licence, "licence", "", "the licence of published numbers")
	s.StringVar(&o.Cite, "cite", "", "the work that the publishers ask to be cited")
	s.StringVar(&o.Notes, "notes", "", "anything else that a reader should know")
	return cmd
}

func (f *convertFlags) run(cmd *cobra.Command, args []string) error {
	if f.as != asRequests && f.as != asLLM {
		return usagef("--as: %q, where requests or llm is expected", f.as)
	}
	files, err := convertFiles(args)
	if err != nil {
		return err
	}
	result, err := convert.Read(f.from, files)
	if err != nil {
		return usage(err)
	}
	p, err := result.Profile(f.as == asLLM)
	if err != nil {
		return usage(err)
	}
	f.fill(p, files[0].Name)
	return deliverProfile(cmd, p, f.out, f.force)
}

// fill takes what the flags say into the profile.
func (f *convertFlags) fill(p *profile.Profile, first string) {
	p.Name, p.Description = f.p.Name, f.p.Description
	if p.Name == "" {
		p.Name = strings.TrimSuffix(filepath.Base(first), filepath.Ext(first))
	}
	p.Valid.GPUs = f.gpus
	o, given := &p.Provenance, f.p.Provenance
	o.GPUCount, o.Source, o.Licence, o.Cite = given.GPUCount, given.Source, given.Licence, given.Cite
	if given.Source != "" {
		o.How = "published"
	}
	for _, v := range []struct {
		into  *string
		value string
	}{{&o.Model, given.Model}, {&o.Engine, given.Engine}, {&o.GPU, given.GPU}, {&o.Date, given.Date},
		{&o.Notes, given.Notes}} {
		if v.value != "" {
			*v.into = v.value
		}
	}
	o.Simcap = version()
}

// convertFiles reads the files of the command line: FILE or BATCH=FILE.
func convertFiles(args []string) ([]convert.File, error) {
	var files []convert.File
	for _, arg := range args {
		f := convert.File{Name: arg}
		if before, after, ok := strings.Cut(arg, "="); ok {
			if n, err := strconv.Atoi(before); err == nil {
				if n < 1 {
					return nil, usagef("%s: a batch has at least 1 input", arg)
				}
				f.Name, f.Batch = after, n
			}
		}
		data, err := os.ReadFile(f.Name)
		if err != nil {
			return nil, usage(err)
		}
		f.Data = data
		files = append(files, f)
	}
	return files, nil
}

// deliverProfile writes the profile and says what is in it. What was written is read back first: a
// profile that no scenario could use is never written.
func deliverProfile(cmd *cobra.Command, p *profile.Profile, out string, force bool) error {
	var b bytes.Buffer
	if err := p.Write(&b); err != nil {
		return failed(err)
	}
	if out == "-" {
		_, err := cmd.OutOrStdout().Write(b.Bytes())
		return err
	}
	if out == "" {
		out = profileFileName(p.Name)
	}
	read, ds := scenarios.ReadProfile(out, b.Bytes())
	if read == nil {
		return failed(fmt.Errorf("the profile cannot be used: %w", ds.Err()))
	}
	if _, err := os.Lstat(out); err == nil && !force {
		return usagef("%s is there already; name another file with --out, or use --force", out)
	}
	if err := writeWhole(out, b.Bytes()); err != nil {
		return failed(err)
	}
	w := cmd.OutOrStdout()
	showProfile(w, read)
	fmt.Fprintf(w, "\nwrote %s; a scenario uses it by service: {profile: %[1]s}\n", out)
	return nil
}

// writeWhole writes a file that has its name only when it is whole.
func writeWhole(name string, data []byte) error {
	temporary := name + ".part"
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	if err := os.Rename(temporary, name); err != nil {
		_ = os.Remove(temporary)
		return err
	}
	return nil
}
