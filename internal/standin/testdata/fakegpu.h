// The virtual GPU that the fakes of libcuda and of libnvidia-ml share: its state lies in the file
// FAKEGPU_STATE, which all processes map, so that what one does on it the others see. Without the file a
// process has a virtual GPU of its own.
//
// Its clock is virtual. Work takes exactly what it is said to take, however busy the machine is; with a pace,
// who waits for the GPU really sleeps, pace seconds for each of the GPU's, and the clock never runs ahead of
// that. Of several that sleep, the one that is due first wakes first.
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef uint64_t u64;
typedef uint32_t u32;

// The places of the numbers that tests write and read (state.go has the same order), eight bytes each.
enum {
  IDLE_WATTS,  // double
  BUSY_JOULES, // double: of stand-in servers, beyond idle
  CLOCK,       // MHz
  MAX_CLOCK,   // MHz
  THROTTLE,    // bits
  PID,         // of a stand-in server; 0: none
  MEMORY,      // MiB, of that process
  OTHER_PID,   // of somebody else; 0: none
  BUSY_WATTS,  // double: beyond idle, while a kernel runs
  INSTANT,     // ns: the host's clock as tests set it; 0: the real one
  SM_SHARE,    // doubles: what GPM tells of a GPU that is busy all the time
  TENSOR_SHARE,
  OCCUPANCY,
  DRAM_SHARE,
  MIG,         // 0: not divided; else how many instances
  PLACES = 32
};

#define LINES 16   // kernels at a time at most
#define SEATS 64   // that sleep
#define CLIENTS 64 // processes
#define RUNS 256

struct run { double from, to, busy; }; // of kernels, one after the other
struct gpu {
  u64 place[PLACES];
  u64 ready; // the rest is set up
  pthread_mutex_t lock;
  double pace;      // of those who wait: seconds for each of the GPU's; 0: they do not sleep
  double now, real; // the virtual instant, and when it was reached by the host's clock
  double line[LINES], engine[2]; // until when they are busy
  double seat[SEATS]; // when who sleeps there is due; 0: free
  struct { u32 pid; u64 bytes; int contexts; } client[CLIENTS];
  struct run runs[LINES][RUNS];
  u32 ran[LINES]; // runs so far
  double past[LINES]; // busy seconds of runs that are no longer kept
};
static struct gpu *gpu;

static u64 whole(int place) { return gpu ? gpu->place[place] : 0; }
static double number(int place) {
  u64 v = whole(place);
  double d;
  memcpy(&d, &v, sizeof d);
  return d;
}

static double host_clock(void) {
  struct timespec t;
  if (whole(INSTANT)) return 1e-9 * whole(INSTANT);
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

// gpu_open maps the state. 0 where the file is there, or not asked for.
static int gpu_open(void) {
  if (gpu) return 0;
  const char *path = getenv("FAKEGPU_STATE");
  int fd = -1;
  if (path && *path && (fd = open(path, O_RDWR)) < 0) return -1;
  struct flock whole_file = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  if (fd >= 0 && (fcntl(fd, F_SETLKW, &whole_file) || ftruncate(fd, sizeof *gpu))) return close(fd), -1;
  void *at = mmap(NULL, sizeof *gpu, PROT_READ | PROT_WRITE, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) return fd < 0 ? -1 : (close(fd), -1);
  gpu = at;
  if (!gpu->ready) {
    pthread_mutexattr_t a;
    pthread_mutexattr_init(&a);
    pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&gpu->lock, &a);
    gpu->real = host_clock();
    gpu->ready = 1;
  }
  if (fd >= 0) close(fd); // and gives the lock of the file back
  return 0;
}
static void gpu_lock(void) { // a process may have been killed with the lock
  if (pthread_mutex_lock(&gpu->lock) == EOWNERDEAD) pthread_mutex_consistent(&gpu->lock);
}
static void gpu_unlock(void) { pthread_mutex_unlock(&gpu->lock); }

// earliest is when the first of those that sleep is due.
static double earliest(void) {
  double least = INFINITY;
  for (int i = 0; i < SEATS; i++)
    if (gpu->seat[i] && gpu->seat[i] < least) least = gpu->seat[i];
  return least;
}
// gpu_enter begins a call: a GPU that nobody waits for stands still while the host does other things.
static void gpu_enter(void) {
  if (!gpu->pace) return;
  double m = host_clock();
  if (m > gpu->real && isinf(earliest())) gpu->real = m;
}
// gpu_spend is work of the host, or of nobody.
static void gpu_spend(double seconds) { gpu->now += seconds, gpu->real += seconds * gpu->pace; }

// gpu_until waits for an instant, with the lock, which others take meanwhile.
static void gpu_until(double t) {
  double pace = gpu->pace;
  if (!pace) {
    if (t > gpu->now) gpu->now = t;
    return;
  }
  int me = 0;
  while (me < SEATS - 1 && gpu->seat[me]) me++;
  gpu->seat[me] = t;
  while (gpu->now < t) {
    double left = gpu->real + (t - gpu->now) * pace - host_clock();
    // One that was due before, and has not come within a second, was killed.
    if (left <= 0 && (t <= earliest() || left < -1)) {
      gpu->now = t, gpu->real = host_clock();
      break;
    }
    gpu_unlock();
    struct timespec nap = {0, left <= 0 ? 100000 : left > 0.02 ? 20000000 : (long)(left * 1e9)};
    nanosleep(&nap, NULL);
    gpu_lock();
  }
  gpu->seat[me] = 0;
}

// gpu_instant is the virtual instant as one sees it who does not take part.
static double gpu_instant(void) {
  double pace = gpu->pace;
  double due = earliest();
  if (!pace || isinf(due)) return gpu->now;
  return fmax(gpu->now, fmin(due, gpu->now + (host_clock() - gpu->real) / pace));
}

// gpu_ran notes that a line was busy. Runs with gaps of microseconds are one.
static void gpu_ran(int line, double from, double to) {
  u32 n = gpu->ran[line];
  struct run *last = &gpu->runs[line][(n + RUNS - 1) % RUNS];
  if (n && from - last->to < 2e-5) {
    last->busy += to - from, last->to = to;
    return;
  }
  struct run *r = &gpu->runs[line][n % RUNS];
  if (n >= RUNS) gpu->past[line] += r->busy;
  *r = (struct run){from, to, to - from};
  gpu->ran[line]++;
}
// gpu_busy is for how many seconds lines were busy up to an instant, and how many are at it.
static double gpu_busy(double at, int *active) {
  double sum = 0;
  *active = 0;
  for (int l = 0; l < LINES; l++) {
    sum += gpu->past[l];
    for (u32 i = 0; i < RUNS && i < gpu->ran[l]; i++) {
      struct run *r = &gpu->runs[l][i];
      if (r->to <= at) sum += r->busy;
      else if (r->from < at) sum += r->busy * (at - r->from) / (r->to - r->from), ++*active;
    }
  }
  return sum;
}

static int alive(u32 pid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%u", pid);
  return pid && access(path, F_OK) == 0;
}
// client is the entry of this process.
static int client(void) {
  static int mine = -1;
  u32 pid = getpid();
  if (mine >= 0 && gpu->client[mine].pid == pid) return mine;
  for (mine = 0; mine < CLIENTS - 1 && alive(gpu->client[mine].pid); mine++)
    ;
  gpu->client[mine].pid = pid, gpu->client[mine].bytes = gpu->client[mine].contexts = 0;
  return mine;
}
// gpu_used is the bytes that processes have taken.
static double gpu_used(void) {
  double sum = 0;
  for (int i = 0; i < CLIENTS; i++)
    if (alive(gpu->client[i].pid)) sum += gpu->client[i].bytes;
  return sum;
}
