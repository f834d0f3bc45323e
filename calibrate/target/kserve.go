package target

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/simcap/simcap/calibrate/load"
)

// KServe is a server with the KServe v2 interface (Triton, OpenVINO, MLServer). The first dimension of
// each input is the batch; its data are zeros.
type KServe struct {
	URL     string // base, before /v2
	Model   string
	Headers http.Header
	inputs  []tensor
	client  *http.Client
}

// tensor is an input of the model.
type tensor struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

// NewKServe asks the server for the model's inputs. Shapes give the dimensions that the server leaves
// open, without the batch: "ids=128" or "image=3,224,224".
func NewKServe(ctx context.Context, url, model string, shapes []string, headers http.Header,
	timeout time.Duration) (*KServe, error) {
	if model == "" {
		return nil, errors.New("--model names the model to call")
	}
	k := &KServe{URL: strings.TrimSuffix(strings.TrimRight(url, "/"), "/v2"), Model: model, Headers: headers,
		client: newClient(timeout)}
	answer, _, err := send(ctx, k.client, http.MethodGet, k.URL+"/v2/models/"+model, "", headers)
	if err != nil {
		return nil, fmt.Errorf("the model %s cannot be asked for its inputs: %w", model, err)
	}
	defer answer.Body.Close()
	var meta struct {
		Inputs []tensor `json:"inputs"`
	}
	if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&meta); err != nil ||
		len(meta.Inputs) == 0 {
		return nil, fmt.Errorf("the model %s does not tell its inputs", model)
	}
	k.inputs = meta.Inputs
	return k, k.shape(shapes)
}

// shape fills in the dimensions that the model leaves open.
func (k *KServe) shape(given []string) error {
	for _, text := range given {
		name, list, _ := strings.Cut(text, "=")
		i := slices.IndexFunc(k.inputs, func(t tensor) bool { return t.Name == name })
		if i < 0 {
			return fmt.Errorf("--shape %s: the model has no input %q", text, name)
		}
		shape := []int{-1}
		for _, d := range strings.Split(list, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(d))
			if err != nil || n < 1 {
				return fmt.Errorf("--shape %s: write the dimensions without the batch, as in ids=128", text)
			}
			shape = append(shape, n)
		}
		k.inputs[i].Shape = shape
	}
	for _, t := range k.inputs {
		if len(t.Shape) == 0 || slices.Contains(t.Shape[1:], -1) {
			return fmt.Errorf("the model leaves the shape of its input %q open: give it by --shape "+
				"%s=128", t.Name, t.Name)
		}
		if t.Shape[0] != -1 && t.Shape[0] != 1 {
			return fmt.Errorf("the input %q takes batches of exactly %d", t.Name, t.Shape[0])
		}
	}
	return nil
}

// body is a request of a batch of zeros.
func (k *KServe) body(batch int) (string, error) {
	type input struct {
		tensor
		Data []any `json:"data"`
	}
	request := struct {
		Inputs []input `json:"inputs"`
	}{}
	for _, t := range k.inputs {
		shape := slices.Clone(t.Shape)
		shape[0] = batch
		count := 1
		for _, d := range shape {
			if count *= d; count > 1<<26 {
				return "", fmt.Errorf("a batch of %d has more than 64 million numbers", batch)
			}
		}
		var zero any = 0
		switch {
		case t.Datatype == "BOOL":
			zero = false
		case t.Datatype == "BYTES":
			zero = "text"
		}
		data := make([]any, count)
		for i := range data {
			data[i] = zero
		}
		request.Inputs = append(request.Inputs, input{tensor{t.Name, t.Datatype, shape}, data})
	}
	b, err := json.Marshal(request)
	return string(b), err
}

// Do sends one batch.
func (k *KServe) Do(ctx context.Context, r load.Request) load.Answer {
	method, url, body := http.MethodPost, k.URL+"/v2/models/"+k.Model+"/infer", ""
	if r.Null {
		method, url = http.MethodGet, k.URL+"/v2/health/live"
	} else {
		var err error
		if body, err = k.body(r.Batch); err != nil {
			return load.Answer{Err: err}
		}
	}
	answer, _, err := send(ctx, k.client, method, url, body, k.Headers)
	if err != nil {
		return load.Answer{Err: err}
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<30))
	return load.Answer{Err: err}
}
