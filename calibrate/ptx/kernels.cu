// The built-in kernels of simcap, in CUDA C that needs no header and no toolkit: compile.sh makes PTX
// of it. Matrices are row by row; of a product C = A * B, B is given column by column (N rows of K),
// so that both operands run along K.

#define KERNEL extern "C" __attribute__((global)) void
#define SHARED __attribute__((shared))
typedef unsigned int u32;
typedef unsigned long long u64;
struct __attribute__((aligned(16))) float4_ { float x, y, z, w; };

static __attribute__((device)) u32 thread() { return __nvvm_read_ptx_sreg_tid_x(); }
static __attribute__((device)) u32 blockX() { return __nvvm_read_ptx_sreg_ctaid_x(); }
static __attribute__((device)) u32 blockY() { return __nvvm_read_ptx_sreg_ctaid_y(); }
static __attribute__((device)) u32 threads() { return __nvvm_read_ptx_sreg_ntid_x(); }
static __attribute__((device)) u32 blocks() { return __nvvm_read_ptx_sreg_nctaid_x(); }
static __attribute__((device)) void barrier() { __syncthreads(); }

// empty does nothing: what is left is the cost of a launch.
KERNEL empty() {}

// spin keeps one thread busy for so many nanoseconds by the GPU's own clock.
KERNEL spin(u64 ns) {
  u64 began, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(began));
  do {
    asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  } while (now - began < ns);
}

// triad: a = b + s * c, 12 bytes of memory for each element. n counts groups of four.
KERNEL triad(float4_ *a, const float4_ *b, const float4_ *c, float s, u32 n) {
  for (u32 i = blockX() * threads() + thread(); i < n; i += blocks() * threads()) {
    float4_ x = b[i], y = c[i];
    x.x += s * y.x;
    x.y += s * y.y;
    x.z += s * y.z;
    x.w += s * y.w;
    a[i] = x;
  }
}

// axpy_f32: y = a * y + x, 12 bytes for each of n elements.
KERNEL axpy_f32(float *y, const float *x, float a, u32 n) {
  for (u32 i = blockX() * threads() + thread(); i < n; i += blocks() * threads()) y[i] = a * y[i] + x[i];
}

// gemm_f32: 256 threads make a tile of 64 x 64 of C, 4 x 4 each. N is a multiple of 64, K of 16; rows
// of A beyond M are taken for 0.
KERNEL gemm_f32(const float *A, const float *B, float *C, u32 M, u32 N, u32 K) {
  SHARED static float a[16][64 + 4], b[16][64 + 4];
  u32 t = thread(), row0 = blockY() * 64, col0 = blockX() * 64;
  u32 lr = t / 4, lk = t % 4 * 4; // each thread loads 4 along K of one row of A and of B
  u32 tr = t / 16 * 4, tc = t % 16 * 4;
  float sum[4][4] = {};
  for (u32 k = 0; k < K; k += 16) {
    float4_ x = {0, 0, 0, 0};
    if (row0 + lr < M) x = *(const float4_ *)(A + (u64)(row0 + lr) * K + k + lk);
    float4_ y = *(const float4_ *)(B + (u64)(col0 + lr) * K + k + lk);
    a[lk][lr] = x.x, a[lk + 1][lr] = x.y, a[lk + 2][lr] = x.z, a[lk + 3][lr] = x.w;
    b[lk][lr] = y.x, b[lk + 1][lr] = y.y, b[lk + 2][lr] = y.z, b[lk + 3][lr] = y.w;
    barrier();
#pragma unroll
    for (u32 i = 0; i < 16; i++)
#pragma unroll
      for (u32 r = 0; r < 4; r++)
#pragma unroll
        for (u32 c = 0; c < 4; c++) sum[r][c] += a[i][tr + r] * b[i][tc + c];
    barrier();
  }
#pragma unroll
  for (u32 r = 0; r < 4; r++)
    if (row0 + tr + r < M) {
      float4_ v = {sum[r][0], sum[r][1], sum[r][2], sum[r][3]};
      *(float4_ *)(C + (u64)(row0 + tr + r) * N + col0 + tc) = v;
    }
}

#if __CUDA_ARCH__ >= 800

// axpy_f16: y = a * y + x on pairs of halves, 12 bytes for each of n pairs.
KERNEL axpy_f16(u32 *y, const u32 *x, u32 a, u32 n) {
  for (u32 i = blockX() * threads() + thread(); i < n; i += blocks() * threads()) {
    u32 v;
    asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(v) : "r"(a), "r"(y[i]), "r"(x[i]));
    y[i] = v;
  }
}

// gemm_f16: tensor cores, halves with sums in fp32. 128 threads make a tile of 64 x 64 of C; each warp
// 32 x 32 of it, in 2 x 4 products of 16 x 8 x 16. N is a multiple of 64, K of 32; rows of A beyond M
// are taken for 0. Rows in shared memory are 40 halves apart, so that fragments meet no bank twice.
KERNEL gemm_f16(const u32 *A, const u32 *B, u32 *C, u32 M, u32 N, u32 K) {
  SHARED static __attribute__((aligned(16))) u32 a[64][20], b[64][20]; // pairs of halves along K
  u32 t = thread(), row0 = blockY() * 64, col0 = blockX() * 64;
  u32 warp = t / 32, lane = t % 32, group = lane / 4, quad = lane % 4;
  u32 wr = warp / 2 * 32, wc = warp % 2 * 32;
  u32 lr = t / 4, lk = t % 4 * 4; // pairs: each thread loads 8 halves of two rows of A and of B
  float sum[2][4][4] = {};
  for (u32 k = 0; k < K / 2; k += 16) {
#pragma unroll
    for (u32 half = 0; half < 64; half += 32) {
      float4_ x = {0, 0, 0, 0}, y; // only carried, so that their type does not matter
      if (row0 + lr + half < M) x = *(const float4_ *)(A + (u64)(row0 + lr + half) * (K / 2) + k + lk);
      y = *(const float4_ *)(B + (u64)(col0 + lr + half) * (K / 2) + k + lk);
      float4_ *to = (float4_ *)&a[lr + half][lk];
      to->x = x.x, to->y = x.y, to->z = x.z, to->w = x.w;
      to = (float4_ *)&b[lr + half][lk];
      to->x = y.x, to->y = y.y, to->z = y.z, to->w = y.w;
    }
    barrier();
#pragma unroll
    for (u32 i = 0; i < 16; i += 8) {
      u32 fa[2][4], fb[4][2];
#pragma unroll
      for (u32 r = 0; r < 2; r++) {
        u32 at = wr + r * 16 + group;
        fa[r][0] = a[at][i + quad], fa[r][1] = a[at + 8][i + quad];
        fa[r][2] = a[at][i + quad + 4], fa[r][3] = a[at + 8][i + quad + 4];
      }
#pragma unroll
      for (u32 c = 0; c < 4; c++) fb[c][0] = b[wc + c * 8 + group][i + quad], fb[c][1] = b[wc + c * 8 + group][i + quad + 4];
#pragma unroll
      for (u32 r = 0; r < 2; r++)
#pragma unroll
        for (u32 c = 0; c < 4; c++)
          asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
                       "{%0,%1,%2,%3};"
                       : "+f"(sum[r][c][0]), "+f"(sum[r][c][1]), "+f"(sum[r][c][2]), "+f"(sum[r][c][3])
                       : "r"(fa[r][0]), "r"(fa[r][1]), "r"(fa[r][2]), "r"(fa[r][3]), "r"(fb[c][0]), "r"(fb[c][1]));
    }
    barrier();
  }
#pragma unroll
  for (u32 r = 0; r < 2; r++)
#pragma unroll
    for (u32 c = 0; c < 4; c++)
#pragma unroll
      for (u32 h = 0; h < 2; h++) {
        u32 row = row0 + wr + r * 16 + group + h * 8, col = col0 + wc + c * 8 + quad * 2, pair;
        asm("{.reg .b16 l, h; cvt.rn.f16.f32 l, %1; cvt.rn.f16.f32 h, %2; mov.b32 %0, {l, h};}"
            : "=r"(pair) : "f"(sum[r][c][2 * h]), "f"(sum[r][c][2 * h + 1]));
        if (row < M) C[((u64)row * N + col) / 2] = pair;
      }
}

#endif
