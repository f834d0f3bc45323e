// A libnvidia-ml.so.1 for tests: one virtual GPU, "SimCap Fake GPU", whose state is a file that the
// stand-in server writes (state.go). Built with the header of go-nvml, so that layouts are its own.
// -DOLD_DRIVER leaves out what drivers before 535 lack.
#include "fakegpu.h"
#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include "nvml.h"

#define CONTEXT_BYTES (300ull << 20)

nvmlReturn_t nvmlInit_v2(void) {
  const char *fail = getenv("FAKEGPU_INIT"), *path = getenv("FAKEGPU_STATE");
  if (fail) return (nvmlReturn_t)atoi(fail);
  if (!path || gpu_open()) return NVML_ERROR_DRIVER_NOT_LOADED;
  return NVML_SUCCESS;
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
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t d, char *v, unsigned room) { return text(v, room, "GPU-fafafafa-fafa-fafa-fafa-fafafafafafa"); }
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
  int active;
  gpu_lock();
  gpu_busy(gpu_instant(), &active);
  gpu_unlock();
  *mw = 1000 * (number(IDLE_WATTS) + (active ? number(BUSY_WATTS) : 0));
  return NVML_SUCCESS;
}
#ifndef OLD_DRIVER
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t d, unsigned long long *mj) {
  int active;
  gpu_lock();
  double busy = gpu_busy(gpu_instant(), &active);
  gpu_unlock();
  *mj = 1000 * (number(IDLE_WATTS) * host_clock() + number(BUSY_JOULES) + number(BUSY_WATTS) * busy);
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
  gpu_lock();
  m->used += gpu_used();
  for (int i = 0; i < CLIENTS; i++)
    if (gpu->client[i].contexts && alive(gpu->client[i].pid)) m->used += CONTEXT_BYTES;
  gpu_unlock();
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
  gpu_lock();
  for (int i = -2; i < CLIENTS; i++) {
    unsigned pid = i == -2 ? whole(PID) : i == -1 ? whole(OTHER_PID) : gpu->client[i].pid;
    u64 bytes = i == -2 ? whole(MEMORY) << 20 : i == -1 ? 100 << 20 : gpu->client[i].bytes + CONTEXT_BYTES;
    if (i >= 0 && !gpu->client[i].contexts || !alive(pid)) continue;
    if (found < room && p) {
      memset(&p[found], 0, sizeof p[found]);
      p[found].pid = pid;
      p[found].usedGpuMemory = bytes;
    }
    found++;
  }
  gpu_unlock();
  *n = found;
  return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : NVML_SUCCESS;
}
#ifndef OLD_DRIVER
// GPM: busy seconds and the instant of a sample. A GPU that is busy all the time has the shares of the state.
struct nvmlGpmSample_st { double busy, at; };
nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t d, nvmlGpmSupport_t *s) {
  s->isSupportedDevice = number(SM_SHARE) > 0;
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_t *s) { s->handle = calloc(1, sizeof *s->handle); return NVML_SUCCESS; }
nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_t s) { free(s.handle); return NVML_SUCCESS; }
nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t d, nvmlGpmSample_t s) {
  int active;
  gpu_lock();
  s.handle->busy = gpu_busy(gpu_instant(), &active), s.handle->at = host_clock();
  gpu_unlock();
  return NVML_SUCCESS;
}
nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *g) {
  if (g->version != NVML_GPM_METRICS_GET_VERSION) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
  double busy = (g->sample2.handle->busy - g->sample1.handle->busy) / (g->sample2.handle->at - g->sample1.handle->at);
  for (unsigned i = 0; i < g->numMetrics; i++) {
    nvmlGpmMetric_t *m = &g->metrics[i];
    int place = m->metricId == 2 ? SM_SHARE : m->metricId == 3 ? OCCUPANCY : m->metricId == 5 ? TENSOR_SHARE : m->metricId == 10 ? DRAM_SHARE : -1;
    m->nvmlReturn = place < 0 ? NVML_ERROR_NOT_SUPPORTED : NVML_SUCCESS;
    if (place >= 0) m->value = 100 * busy * number(place);
  }
  return NVML_SUCCESS;
}
#endif
