// A libcuda.so.1 for tests: one virtual GPU, "SimCap Fake GPU", that knows the built-in kernels. Small ones
// are computed, all take the time that FAKECUDA_CONFIG says ("key=value;..."), by the virtual clock of
// fakegpu.h; with pace=1 it does not run ahead of the host's. FAKECUDA_FAIL ("function:nth:code;...") makes calls fail.
// -DOLD_DRIVER leaves out what old drivers lack, -DNO_GRAPHS the graphs.
#include "fakegpu.h"

typedef int R;
int fakecudaVersion(void) { return 1; }

static void enter(void);
#define ENTER(name)                          \
  enter();                                   \
  R failure_ = planned(name);                \
  if (failure_) return leave(failure_)
static R leave(R r) {
  gpu_unlock();
  return r;
}

// What the virtual GPU is like. Times in seconds.
static struct key { const char *name; double v; } keys[] = {
  {"f16", 200e12}, {"f32", 15e12}, {"bw", 1.5e12}, {"fixed", 1.5e-6}, {"launch", 2.5e-6}, {"graph", 8e-6},
  {"node", 1e-6}, {"h2d", 24e9}, {"d2h", 20e9}, {"copylat", 8e-6}, {"copyhost", 2e-6}, {"context", 0.180}, {"jit", 0.040},
  {"mem", 16e9}, {"cc", 80}, {"driver", 12020}, {"noise", 0}, {"slots", 1}, {"pace", 0}, {"wrong", 0},
  {"devices", 1}, {"init", 0.050}, {"wander", 0}, {"mig", 0}, {NULL, 0}};
static double conf(const char *name) {
  for (struct key *k = keys; k->name; k++)
    if (!strcmp(k->name, name)) return k->v;
  abort();
}

// Failures that were asked for.
static struct { char name[48]; int nth, code, seen; } fails[8];
static R sticky; // after an illegal address all calls fail

static int started;
static void configure(void) {
  if (started) return;
  started = 1;
  char *text = getenv("FAKECUDA_CONFIG"), *save;
  text = text ? strdup(text) : NULL;
  for (char *p = text ? strtok_r(text, ";", &save) : NULL; p; p = strtok_r(NULL, ";", &save)) {
    char *eq = strchr(p, '=');
    if (!eq) abort();
    *eq = 0;
    int known = 0;
    for (struct key *k = keys; k->name; k++)
      if (!strcmp(k->name, p)) k->v = atof(eq + 1), known = 1;
    if (!known) abort();
  }
  char *f = getenv("FAKECUDA_FAIL");
  f = f ? strdup(f) : NULL;
  int i = 0;
  for (char *p = f ? strtok_r(f, ";", &save) : NULL; p && i < 8; p = strtok_r(NULL, ";", &save), i++)
    if (sscanf(p, "%47[^:]:%d:%d", fails[i].name, &fails[i].nth, &fails[i].code) != 3) abort();
}
static R planned(const char *name) {
  configure();
  for (int i = 0; i < 8; i++)
    if (!strcmp(fails[i].name, name) && ++fails[i].seen == fails[i].nth)
      return fails[i].code >= 700 ? (sticky = fails[i].code) : fails[i].code;
  return sticky;
}

// Time.
static void enter(void) {
  static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&first);
  if (gpu_open()) abort();
  pthread_mutex_unlock(&first);
  gpu_lock();
  configure();
  gpu->pace = conf("pace");
  gpu_enter();
}
static double now(void) { return gpu->now; }
static void until(double t) { gpu_until(t); }
static void host(double s) { // work of the host in the driver
  if (s > 1e-3) until(now() + s);
  else gpu_spend(s);
}
u64 fakecudaNowNs(void) {
  enter();
  u64 ns = (u64)llround(now() * 1e9);
  gpu_unlock();
  return ns;
}
static double noisy(double s) {
  static u64 x = 88172645463325252ull;
  double sum = 0, cv = conf("noise");
  if (!cv) return s;
  for (int i = 0; i < 12; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    sum += (x >> 11) / 9007199254740992.0;
  }
  return s * exp(cv * (sum - 6));
}

// Memory.
#define MOST 4096
static struct { char *p; size_t n; } memory[MOST];
static double used(void) { return gpu_used(); }
static char *find(u64 p, u64 n) { // NULL: outside of what was allocated
  for (int i = 0; i < MOST; i++)
    if (memory[i].p && p >= (u64)memory[i].p && p + n <= (u64)memory[i].p + memory[i].n) return (char *)p;
  return NULL;
}

static __thread void *current;
static int contexts;
#define NEED_CONTEXT if (!current) return leave(201)

typedef struct Stream { double end; struct Graph *capture; } Stream;
typedef struct Event { double at; int recorded; } Event;
typedef struct Function { char name[32]; } Function;
typedef struct Module { char *text; } Module;
typedef struct Node { Function f; u64 a[8]; } Node;
typedef struct Graph { int n, room; Node *nodes; } Graph;

static double start_on(Stream *s, double *line, double length) {
  double from = now();
  if (s->end > from) from = s->end;
  if (*line > from) from = *line;
  return *line = s->end = from + length;
}

// Halves.
static float half(uint16_t h) {
  int e = h >> 10 & 31, m = h & 1023;
  float v = e ? ldexpf(1024 + m, e - 25) : ldexpf(m, -24);
  return h >> 15 ? -v : v;
}
static uint16_t to_half(float f) { // nearest even; of what the tests use: no infinities
  u32 u;
  memcpy(&u, &f, 4);
  u32 sign = u >> 16 & 0x8000;
  float a = fabsf(f);
  if (a == 0) return sign;
  int e;
  frexpf(a, &e);
  if (e < -13) return sign | (u32)rintf(ldexpf(a, 24));
  u32 m = rintf(ldexpf(a, 11 - e));
  return sign | (((u32)(e + 13) << 10) + m);
}

// Kernels: what they cost and, if small, what they compute. 0, or a CUresult.
static R kernel(const char *name, const u64 *a, double *seconds) {
  u32 M = a[3], N = a[4], K = a[5];
  double flops = 0, bytes = 0, rate = conf("f32");
  *seconds = 0;
  if (!strncmp(name, "gemm_", 5)) {
    int h = !strcmp(name, "gemm_f16");
    u64 z = h ? 2 : 4;
    if (N % 64 || K % (h ? 32 : 16)) return 700;
    char *A = find(a[0], z * M * K), *B = find(a[1], z * N * K), *C = find(a[2], z * M * N);
    if (!A || !B || !C) return 700;
    flops = 2.0 * M * N * K, bytes = (double)z * ((double)M * K + (double)N * K + (double)M * N);
    if (h) rate = conf("f16");
    for (u32 r = 0; flops < 4e6 && r < M; r++)
      for (u32 c = 0; c < N; c++) {
        float sum = conf("wrong");
        for (u32 k = 0; k < K; k++)
          sum += h ? half(((uint16_t *)A)[r * K + k]) * half(((uint16_t *)B)[c * K + k])
                   : ((float *)A)[r * K + k] * ((float *)B)[c * K + k];
        if (h) ((uint16_t *)C)[r * N + c] = to_half(sum);
        else ((float *)C)[r * N + c] = sum;
      }
  } else if (!strcmp(name, "triad")) {
    u64 n = 4ull * (u32)a[4];
    float *x = (float *)find(a[0], 4 * n), *y = (float *)find(a[1], 4 * n), *z = (float *)find(a[2], 4 * n), s;
    if (!x || !y || !z) return 700;
    memcpy(&s, &a[3], 4);
    bytes = 12.0 * n;
    for (u64 i = 0; n < 20000 && i < n; i++) x[i] = y[i] + s * z[i];
  } else if (!strncmp(name, "axpy_", 5)) {
    u64 n = (u32)a[3];
    char *y = find(a[0], 4 * n), *x = find(a[1], 4 * n);
    if (!x || !y) return 700;
    bytes = 12.0 * n;
    if (!strcmp(name, "axpy_f16"))
      for (u64 i = 0; n < 2000 && i < 2 * n; i++)
        ((uint16_t *)y)[i] = to_half(half(a[2]) * half(((uint16_t *)y)[i]) + half(((uint16_t *)x)[i]));
    else {
      float s;
      memcpy(&s, &a[2], 4);
      for (u64 i = 0; n < 20000 && i < n; i++) ((float *)y)[i] = s * ((float *)y)[i] + ((float *)x)[i];
    }
  } else if (!strcmp(name, "spin")) {
    *seconds = 1e-9 * a[0];
  } else if (strcmp(name, "empty")) {
    return 500;
  }
  // A clock below the highest slows arithmetic, and one that wanders makes it slow every other second.
  if (whole(CLOCK) && whole(MAX_CLOCK)) rate *= (double)whole(CLOCK) / whole(MAX_CLOCK);
  double factor = (u64)(now() / 0.5) % 2 ? 1 + conf("wander") : 1;
  *seconds += factor * noisy(fmax(flops / rate, bytes / conf("bw")));
  return 0;
}
static int width(const char *name, int i) { // bytes of an argument
  if (!strcmp(name, "spin")) return 8;
  if (!strncmp(name, "axpy", 4)) return i < 2 ? 8 : 4;
  return i < 3 ? 8 : 4;
}
static int arity(const char *name) {
  if (!strcmp(name, "empty")) return 0;
  if (!strcmp(name, "spin")) return 1;
  return !strncmp(name, "axpy", 4) ? 4 : !strcmp(name, "triad") ? 5 : 6;
}
static R run_kernel(Stream *s, const Node *n, double fixed) {
  double seconds;
  R r = kernel(n->f.name, n->a, &seconds);
  if (r == 700) sticky = 700;
  if (r) return r;
  int best = 0, slots = conf("slots");
  for (int i = 1; i < slots && i < 16; i++)
    if (gpu->line[i] < gpu->line[best]) best = i;
  double end = start_on(s, &gpu->line[best], fixed + seconds);
  gpu_ran(best, end - fixed - seconds, end);
  return 0;
}

R cuInit(u32 flags) {
  ENTER("cuInit");
  host(conf("init"));
  return leave(0);
}
R cuDriverGetVersion(int *v) {
  ENTER("cuDriverGetVersion");
  *v = conf("driver");
  return leave(0);
}
R cuGetErrorName(R r, const char **text) {
  *text = r == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : r == 100 ? "CUDA_ERROR_NO_DEVICE" : r == 201 ? "CUDA_ERROR_INVALID_CONTEXT"
        : r == 209 ? "CUDA_ERROR_NO_BINARY_FOR_GPU" : r == 218 ? "CUDA_ERROR_INVALID_PTX"
        : r == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION" : r == 500 ? "CUDA_ERROR_NOT_FOUND"
        : r == 700 ? "CUDA_ERROR_ILLEGAL_ADDRESS" : r == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : NULL;
  return *text ? 0 : 1;
}
R cuDeviceGetCount(int *n) { ENTER("cuDeviceGetCount"); *n = conf("devices"); return leave(0); }
R cuDeviceGet(int *d, int i) { *d = i; return i < conf("devices") ? 0 : 101; }
R cuDeviceGetName(char *into, int n, int d) {
  snprintf(into, n, conf("mig") ? "SimCap Fake GPU MIG 1g.5gb" : "SimCap Fake GPU");
  return 0;
}
R cuDeviceGetUuid(unsigned char *u, int d) { memset(u, 0xfa, 16); return 0; }
R cuDeviceTotalMem_v2(size_t *n, int d) { *n = conf("mem"); return 0; }
R cuDeviceGetAttribute(int *v, int what, int d) {
  *v = what == 13 ? 1410000 : what == 16 ? (conf("mig") ? 14 : 108) : what == 75 ? (int)conf("cc") / 10 : what == 76 ? (int)conf("cc") % 10 : 0;
  return 0;
}
R cuDevicePrimaryCtxRetain(void **c, int d) {
  ENTER("cuDevicePrimaryCtxRetain");
  if (!contexts++) host(conf("context")), gpu->client[client()].contexts = 1;
  *c = &contexts;
  return leave(0);
}
R cuDevicePrimaryCtxRelease(int d) {
  enter();
  R r = contexts > 0 ? 0 : 201;
  if (!r && !--contexts) gpu->client[client()].contexts = 0;
  return leave(r);
}
R cuCtxSetCurrent(void *c) { current = c; return 0; }
R cuMemGetInfo_v2(size_t *f, size_t *t) {
  ENTER("cuMemGetInfo_v2");
  *t = conf("mem"), *f = conf("mem") - used();
  return leave(0);
}
R cuMemAlloc_v2(u64 *p, size_t n) {
  ENTER("cuMemAlloc_v2");
  NEED_CONTEXT;
  int i = 0;
  while (i < MOST && memory[i].p) i++;
  if (used() + n > conf("mem") || i == MOST) return leave(2);
  char *m = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (m == MAP_FAILED) return leave(2);
  memory[i].p = m, memory[i].n = n, gpu->client[client()].bytes += n, *p = (u64)m;
  return leave(0);
}
R cuMemFree_v2(u64 p) {
  ENTER("cuMemFree_v2");
  NEED_CONTEXT;
  for (int i = 0; i < MOST; i++)
    if (memory[i].p == (char *)p && p) {
      munmap(memory[i].p, memory[i].n);
      gpu->client[client()].bytes -= memory[i].n, memory[i].p = NULL;
      return leave(0);
    }
  return leave(1);
}
#ifndef OLD_DRIVER
R cuMemHostAlloc(void **p, size_t n, u32 flags) {
  ENTER("cuMemHostAlloc");
  NEED_CONTEXT;
  *p = calloc(1, n);
  return leave(*p ? 0 : 2);
}
#endif
R cuMemFreeHost(void *p) { free(p); return 0; }
R cuModuleLoadDataEx(Module **m, const char *text, u32 n, int *options, void **values) {
  ENTER("cuModuleLoadDataEx");
  NEED_CONTEXT;
  const char *v = strstr(text, ".version "), *t = strstr(text, ".target sm_");
  char *log = NULL;
  for (u32 i = 0; i < n; i++)
    if (options[i] == 5) log = values[i];
  if (!v || !t) {
    if (log) strcpy(log, "ptxas fatal: no version");
    return leave(218);
  }
  int version = round(10 * atof(v + 9)), driver = conf("driver");
  if (version >= 70 ? driver < 11000 + (version - 70) * 10 : driver < 9000) return leave(222);
  if (atoi(t + 11) > conf("cc")) return leave(209);
  host(conf("jit"));
  *m = malloc(sizeof **m);
  (*m)->text = strdup(text);
  return leave(0);
}
R cuModuleUnload(Module *m) { free(m->text); free(m); return 0; }
R cuModuleGetFunction(Function **f, Module *m, const char *name) {
  ENTER("cuModuleGetFunction");
  char entry[64];
  snprintf(entry, sizeof entry, ".entry %.30s(", name);
  if (!strstr(m->text, entry)) return leave(500);
  *f = malloc(sizeof **f);
  snprintf((*f)->name, sizeof (*f)->name, "%.30s", name);
  return leave(0);
}
R cuStreamCreate(Stream **s, u32 flags) {
  ENTER("cuStreamCreate");
  NEED_CONTEXT;
  *s = calloc(1, sizeof **s);
  return leave(0);
}
R cuStreamDestroy_v2(Stream *s) { free(s); return 0; }
R cuStreamSynchronize(Stream *s) {
  ENTER("cuStreamSynchronize");
  NEED_CONTEXT;
  until(s->end);
  return leave(sticky);
}
static R copy(const char *name, u64 to, u64 from, size_t n, Stream *s, int direction) {
  ENTER(name);
  NEED_CONTEXT;
  if (!find(direction ? from : to, n)) return leave(sticky = 700);
  if (n < 1 << 20 || !conf("pace")) memcpy((void *)to, (void *)from, n); // which takes time of its own
  host(conf("copyhost"));
  start_on(s, &gpu->engine[direction], conf("copylat") + noisy(n / conf(direction ? "d2h" : "h2d")));
  return leave(0);
}
R cuMemcpyHtoDAsync_v2(u64 to, void *from, size_t n, Stream *s) { return copy("cuMemcpyHtoDAsync_v2", to, (u64)from, n, s, 0); }
R cuMemcpyDtoHAsync_v2(void *to, u64 from, size_t n, Stream *s) { return copy("cuMemcpyDtoHAsync_v2", (u64)to, from, n, s, 1); }
R cuMemsetD32Async(u64 p, u32 word, size_t n, Stream *s) {
  ENTER("cuMemsetD32Async");
  NEED_CONTEXT;
  if (!find(p, 4 * n)) return leave(sticky = 700);
  for (size_t i = 0; n < 4000000 && i < n; i++) ((u32 *)p)[i] = word; // large ones stay 0
  start_on(s, &gpu->line[0], conf("fixed") + 4 * n / conf("bw"));
  return leave(0);
}
R cuEventCreate(Event **e, u32 flags) { *e = calloc(1, sizeof **e); return 0; }
R cuEventDestroy_v2(Event *e) { free(e); return 0; }
R cuEventRecord(Event *e, Stream *s) {
  ENTER("cuEventRecord");
  NEED_CONTEXT;
  e->at = fmax(s->end, now()), e->recorded = 1;
  return leave(0);
}
R cuEventSynchronize(Event *e) {
  ENTER("cuEventSynchronize");
  NEED_CONTEXT;
  until(e->at);
  return leave(sticky);
}
R cuEventElapsedTime(float *ms, Event *a, Event *b) {
  ENTER("cuEventElapsedTime");
  if (!a->recorded || !b->recorded) return leave(400);
  if (b->at > now()) return leave(600);
  *ms = round((b->at - a->at) / 5e-7) * 5e-4; // resolved to half a microsecond
  return leave(0);
}
static R node(Node *n, Function *f, void **p) {
  n->f = *f;
  memset(n->a, 0, sizeof n->a);
  for (int i = 0; i < arity(f->name); i++) {
    if (!p) return 1;
    memcpy(&n->a[i], p[i], width(f->name, i));
  }
  return 0;
}
R cuLaunchKernel(Function *f, u32 gx, u32 gy, u32 gz, u32 bx, u32 by, u32 bz, u32 shared, Stream *s, void **p, void **x) {
  ENTER("cuLaunchKernel");
  NEED_CONTEXT;
  if (!gx || !gy || !gz || !bx || bx * by * bz > 1024 || gy > 65535) return leave(1);
  Node n;
  R r = node(&n, f, p);
  if (r) return leave(r);
  if (s->capture) {
    Graph *g = s->capture;
    if (g->n == g->room) g->nodes = realloc(g->nodes, sizeof *g->nodes * (g->room = 2 * g->room + 64));
    g->nodes[g->n++] = n;
    return leave(0);
  }
  host(conf("launch"));
  return leave(run_kernel(s, &n, conf("fixed")));
}
#ifndef NO_GRAPHS
R cuStreamBeginCapture_v2(Stream *s, int mode) { s->capture = calloc(1, sizeof(Graph)); return 0; }
R cuStreamEndCapture(Stream *s, Graph **g) { *g = s->capture, s->capture = NULL; return 0; }
R cuGraphInstantiateWithFlags(Graph **e, Graph *g, u64 flags) { *e = g; return 0; }
R cuGraphLaunch(Graph *g, Stream *s) {
  ENTER("cuGraphLaunch");
  NEED_CONTEXT;
  host(conf("graph"));
  for (int i = 0; i < g->n; i++) {
    R r = run_kernel(s, &g->nodes[i], conf("node"));
    if (r) return leave(r);
  }
  return leave(0);
}
R cuGraphDestroy(Graph *g) { free(g->nodes); free(g); return 0; }
R cuGraphExecDestroy(Graph *g) { return 0; }
#endif
