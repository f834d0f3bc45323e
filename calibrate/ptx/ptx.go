// Package ptx has the built-in kernels as PTX, which drivers compile for their GPU.
package ptx

import _ "embed" // the kernels

//go:generate ./compile.sh

// Baseline is the kernels for GPUs from compute capability 6.0 and drivers from CUDA 9.0: empty, spin,
// triad, axpy_f32 and gemm_f32. kernels.cu says what they do and what their arguments are.
//
//go:embed kernels_sm60.ptx
var Baseline []byte

// Tensor is the same and gemm_f16 and axpy_f16, which use tensor cores and halves, for GPUs from compute
// capability 8.0 and drivers from CUDA 11.0.
//
//go:embed kernels_sm80.ptx
var Tensor []byte

// The block sizes with which the kernels work, and the sides of the tiles of a product.
const (
	ThreadsGemmF32 = 256
	ThreadsGemmF16 = 128
	Threads        = 256 // of all others; any would do
	Tile           = 64
)
