// A libnvidia-ml.so.1 for tests: one virtual GPU, "SimCap Fake GPU", whose state is a file that the
// stand-in server writes (state.go). Built with the header of go-nvml, so that layouts are its own.
// -DOLD_DRIVER leaves out what drivers before 535 lack.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include "nvml.h"

enum { IDLE_WATTS, BUSY_JOULES, CLOCK, MAX_CLOCK, THROTTLE, PID, MEMORY, OTHER_PID, PLACES };

static const volatile unsigned long long *state;

static unsigned long long whole(int place) { return state ? state[place] : 0; }

static double number(int place) {
  unsigned long long v = whole(place);
  double d;
  memcpy(&d, &v, sizeof d);
  return d;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + 1e-9 * t.tv_nsec;
}

static int alive(unsigned pid) {
  char path[32];
  snprintf(path, sizeof path, "/proc/%u", pid);
  return pid && access(path, F_OK) == 0;
}

nvmlReturn_t nvmlInit_v2(void) {
  const char *fail = getenv("FAKEGPU_INIT"), *path = getenv("FAKEGPU_STATE");
  if (fail) return (nvmlReturn_t)atoi(fail);
  int fd = path ? open(path, O_RDONLY) : -1;
  if (fd < 0) return NVML_ERROR_DRIVER_NOT_LOADED;
  state = mmap(NULL, PLACES * 8, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return state == MAP_FAILED ? NVML_ERROR_UNKNOWN : NVML_SUCCESS;
}
nvmlReturn_t nvmlInit(void) { return nvmlInit_v2(); }
nvmlReturn_t nvmlShutdown(void) { return NVML_SUCCESS; }
const char *nvmlErrorString(nvmlReturn_t r) { return r == NVML_SUCCESS ? "success" : "failure of the fake"; }

static nvmlReturn_t text(char *into, unsigned room, const char *what) {
  snprintf(into, room, "%s", what);
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlSystemGetDriverVersion(char *v, unsigned room) { return text(v, room, "535.0.fake"); }
nvmlReturn_t nvmlSystemGetCudaDriverVersion(int *v) { *v = 12020; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned *n) { *n = 1; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned i, nvmlDevice_t *d) {
  if (i) return NVML_ERROR_INVALID_ARGUMENT;
  d->handle = (void *)1;
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t d, char *v, unsigned room) { return text(v, room, "SimCap Fake GPU"); }
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *v, unsigned room) { return text(v, room, "GPU-fake"); }
nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t d, unsigned *now_, unsigned *next) {
  *now_ = *next = 0;
  return NVML_ERROR_NOT_SUPPORTED;
}
nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t d, nvmlClockType_t t, unsigned *mhz) {
  *mhz = whole(MAX_CLOCK);
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t d, nvmlClockType_t t, unsigned *mhz) {
  *mhz = whole(CLOCK);
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t d, unsigned *mw) { *mw = 300000; return NVML_SUCCESS; }
nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t d, unsigned *mw) {
  *mw = 1000 * number(IDLE_WATTS);
  return NVML_SUCCESS;
}
#ifndef OLD_DRIVER
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t d, unsigned long long *mj) {
  *mj = 1000 * (number(IDLE_WATTS) * now() + number(BUSY_JOULES));
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t d, unsigned long long *bits) {
  *bits = whole(THROTTLE);
  return NVML_SUCCESS;
}
#endif
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t d, unsigned long long *bits) {
  *bits = whole(THROTTLE);
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t d, nvmlMemory_t *m) {
  m->total = 24ull << 30;
  m->used = (500ull + (alive(whole(PID)) ? whole(MEMORY) : 0)) << 20;
  m->free = m->total - m->used;
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t d, nvmlTemperatureSensors_t s, unsigned *c) {
  *c = 55;
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t d, nvmlUtilization_t *u) {
  u->gpu = 50;
  u->memory = 10;
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t d, unsigned *n, nvmlProcessInfo_t *p) {
  unsigned room = *n, found = 0;
  unsigned pids[2] = {whole(PID), whole(OTHER_PID)};
  unsigned long long mib[2] = {whole(MEMORY), 100};
  for (int i = 0; i < 2; i++) {
    if (!alive(pids[i])) continue;
    if (found < room && p) {
      memset(&p[found], 0, sizeof p[found]);
      p[found].pid = pids[i];
      p[found].usedGpuMemory = mib[i] << 20;
    }
    found++;
  }
  *n = found;
  return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
