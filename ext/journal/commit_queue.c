/* commit_queue.c: see commit_queue.h. Two piles: one is put on, the other written; the writing thread changes them over. */
#define _GNU_SOURCE /* pwritev2 */
#define _DARWIN_C_SOURCE

#include "commit_queue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "crc32.h"

enum { HEAD = 8, UNIT = 8 }; /* bytes: of a frame's head; what its length is a multiple of */

/* Records one after the other: length as size_t, bytes. */
typedef struct {
  uint8_t *bytes;
  size_t used, room, facts;
  int *bells;
  size_t bell_count, bell_room;
} pile;

struct lw_lane {
  pthread_mutex_t lock; /* of all but `back`, `at` and `frames`, which are the writing thread's */
  pthread_cond_t news;
  pile front, back;
  size_t at; /* in back: what lies before was decided */
  uint8_t *frames;
  size_t frames_room;
  size_t most_facts, most_bytes;
  int ended;
  lw_lane_figures figures;
};

static int grow(void **place, size_t *room, size_t wanted, size_t unit) {
  if (wanted <= *room) return 1;
  size_t next = wanted + wanted / 2;
  void *more = realloc(*place, next * unit);
  if (!more) return 0;
  *place = more;
  *room = next;
  return 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct timespec spec(double seconds) {
  struct timespec time = {(time_t)seconds, 0};
  time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
  return time;
}

/* Apple's condition variables know no monotonic clock, but times from now on. */
static int prepare_news(pthread_cond_t *news) {
#ifdef __APPLE__
  return pthread_cond_init(news, NULL);
#else
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  int wrong = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) || pthread_cond_init(news, &attributes);
  pthread_condattr_destroy(&attributes);
  return wrong;
#endif
}

static int await_news(lw_lane *lane, double until) {
#ifdef __APPLE__
  double rest = until - now();
  struct timespec time = spec(rest > 0 ? rest : 0);
  return pthread_cond_timedwait_relative_np(&lane->news, &lane->lock, &time);
#else
  struct timespec time = spec(until);
  return pthread_cond_timedwait(&lane->news, &lane->lock, &time);
#endif
}

lw_lane *lw_lane_new(size_t facts, size_t bytes) {
  lw_crc32_prepare();
  lw_lane *lane = calloc(1, sizeof *lane);
  if (!lane) return NULL;
  if (pthread_mutex_init(&lane->lock, NULL) || prepare_news(&lane->news)) {
    free(lane);
    return NULL;
  }
  lane->most_facts = facts;
  lane->most_bytes = bytes;
  return lane;
}

static void free_pile(pile *one) {
  free(one->bytes);
  free(one->bells);
}

void lw_lane_free(lw_lane *lane) {
  if (!lane) return;
  free_pile(&lane->front);
  free_pile(&lane->back);
  free(lane->frames);
  pthread_cond_destroy(&lane->news);
  pthread_mutex_destroy(&lane->lock);
  free(lane);
}

void lw_lane_open(lw_lane *lane) { pthread_mutex_lock(&lane->lock); }

int lw_lane_put(lw_lane *lane, const uint8_t *bytes, size_t n) {
  pile *front = &lane->front;
  size_t waiting = (size_t)(lane->figures.taken - lane->figures.decided), used = front->used + sizeof n + n;
  if (lane->ended || waiting >= lane->most_facts || used > lane->most_bytes) return 0;
  if (!grow((void **)&front->bytes, &front->room, used, 1)) return 0;
  memcpy(front->bytes + front->used, &n, sizeof n);
  memcpy(front->bytes + front->used + sizeof n, bytes, n);
  front->used = used;
  front->facts++;
  lane->figures.taken++;
  return 1;
}

static void add_bell(pile *front, int bell) {
  for (size_t i = 0; i < front->bell_count; i++)
    if (front->bells[i] == bell) return;
  if (!grow((void **)&front->bells, &front->bell_room, front->bell_count + 1, sizeof bell)) return;
  front->bells[front->bell_count++] = bell; /* without memory the waiting one is late, and its fact kept */
}

uint64_t lw_lane_close(lw_lane *lane, int bell) {
  uint64_t taken = lane->figures.taken;
  if (bell >= 0 && lane->front.facts) add_bell(&lane->front, bell);
  pthread_cond_signal(&lane->news);
  pthread_mutex_unlock(&lane->lock);
  return taken;
}

int lw_lane_wait(lw_lane *lane, double idle) {
  if (lane->back.facts) return 1;
  double until = now() + idle;
  pthread_mutex_lock(&lane->lock);
  while (!lane->front.facts && !lane->ended)
    if (await_news(lane, until)) break;
  pile empty = lane->back;
  empty.used = empty.bell_count = 0;
  lane->back = lane->front;
  lane->front = empty;
  lane->at = 0;
  lane->figures.held = lane->back.facts;
  pthread_mutex_unlock(&lane->lock);
  return lane->back.facts > 0;
}

/* So many facts of what is held, from the front, were kept or dropped. */
static void decide(lw_lane *lane, size_t facts, int kept) {
  static const uint64_t ONE = 1;
  pthread_mutex_lock(&lane->lock);
  lane->figures.decided += facts;
  if (kept) lane->figures.kept += facts;
  lane->figures.held -= facts;
  uint64_t decided = lane->figures.decided;
  pthread_mutex_unlock(&lane->lock);
  lane->back.facts -= facts;
  for (size_t i = 0; i < lane->back.bell_count; i++)
    if (write(lane->back.bells[i], &ONE, sizeof ONE) < 0) continue; /* full: it has been rung already */
  if (lane->back.facts) return;
  pthread_mutex_lock(&lane->lock);
  lane->figures.told = decided;
  pthread_mutex_unlock(&lane->lock);
}

void lw_lane_drop(lw_lane *lane) { decide(lane, lane->back.facts, 0); }

static uint8_t *put32(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) *out++ = (uint8_t)(value >> 8 * i);
  return out;
}

static uint8_t *frame(uint8_t *out, const uint8_t *bytes, size_t n, uint32_t seed) {
  out = put32(put32(out, (uint32_t)n), lw_crc32(seed, bytes, n));
  memcpy(out, bytes, n);
  memset(out + n, 0, -n % UNIT);
  return out + n + -n % UNIT;
}

/* Frames as many facts as fit into `room`; how many. */
static size_t frame_all(lw_lane *lane, uint64_t room, uint32_t seed, size_t *length) {
  size_t facts = 0, n;
  uint8_t *out = lane->frames;
  for (; facts < lane->back.facts; facts++) {
    const uint8_t *record = lane->back.bytes + lane->at;
    memcpy(&n, record, sizeof n);
    if (HEAD + n + -n % UNIT > room - (uint64_t)(out - lane->frames)) break;
    out = frame(out, record + sizeof n, n, seed);
    lane->at += sizeof n + n;
  }
  *length = (size_t)(out - lane->frames);
  return facts;
}

static int flush(int descriptor) {
#if defined(__APPLE__)
  return fcntl(descriptor, F_FULLFSYNC) ? fsync(descriptor) : 0; /* fsync alone does not reach the disk there */
#else
  return fdatasync(descriptor);
#endif
}

/* Writes and flushes, in one call where the system can; 0, or errno. */
static int write_durably(int descriptor, const uint8_t *bytes, size_t n, uint64_t at) {
  int plain = 0;
  while (n) {
    ssize_t written = -1;
#ifdef RWF_DSYNC
    if (!plain) {
      struct iovec piece = {(void *)(uintptr_t)bytes, n};
      written = pwritev2(descriptor, &piece, 1, (off_t)at, RWF_DSYNC);
      if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) plain = 1;
    }
#else
    plain = 1;
#endif
    if (written < 0 && plain) written = pwrite(descriptor, bytes, n, (off_t)at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written < 0 ? errno : EIO;
    bytes += written; /* it may take a part; the rest says why */
    at += (uint64_t)written;
    n -= (size_t)written;
  }
  return plain && flush(descriptor) ? errno : 0;
}

static int moved(const lw_lane_file *file) {
  struct stat status;
  return stat(file->path, &status) || (uint64_t)status.st_dev != file->device ||
         (uint64_t)status.st_ino != file->number || (uint64_t)status.st_size < file->size;
}

/* This process alone writes there, and others only read: no lock. */
static void count(uint8_t *place, size_t facts) {
  uint64_t all = facts;
  for (int i = 0; i < 8; i++) all += (uint64_t)place[i] << 8 * i;
  for (int i = 0; i < 8; i++) place[i] = (uint8_t)(all >> 8 * i);
}

/* One flush: LW_LANE_IDLE when all that was held is durable. */
static lw_lane_outcome write_held(lw_lane *lane, lw_lane_file *file) {
  size_t before = lane->at, length, most = (HEAD + UNIT) * lane->back.facts + lane->back.used;
  if (moved(file)) return LW_LANE_MOVED;
  file->error = ENOMEM;
  if (!grow((void **)&lane->frames, &lane->frames_room, most, 1)) return LW_LANE_FAILED;
  size_t facts = frame_all(lane, file->size - file->at, file->seed, &length);
  if (!facts) return LW_LANE_FULL;
  file->error = write_durably(file->descriptor, lane->frames, length, file->at);
  if (file->error) {
    lane->at = before;
    return LW_LANE_FAILED;
  }
  file->at += length;
  count(file->count, facts);
  decide(lane, facts, 1);
  return lane->back.facts ? LW_LANE_FULL : LW_LANE_IDLE;
}

lw_lane_outcome lw_lane_run(lw_lane *lane, lw_lane_file *file, double idle, double gather, size_t together) {
  while (lw_lane_wait(lane, idle)) {
    double began = now();
    size_t facts = lane->back.facts;
    lw_lane_outcome outcome = write_held(lane, file);
    if (outcome != LW_LANE_IDLE) return outcome;
    double rest = began + gather - now();
    if (facts >= together && rest > 0) {
      struct timespec time = spec(rest);
      nanosleep(&time, NULL);
    }
  }
  pthread_mutex_lock(&lane->lock);
  int ended = lane->ended;
  pthread_mutex_unlock(&lane->lock);
  return ended ? LW_LANE_ENDED : LW_LANE_IDLE;
}

void lw_lane_begin(lw_lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lane->ended = 0;
  pthread_mutex_unlock(&lane->lock);
}

void lw_lane_end(lw_lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lane->ended = 1;
  pthread_cond_signal(&lane->news);
  pthread_mutex_unlock(&lane->lock);
}

lw_lane_figures lw_lane_look(lw_lane *lane) {
  pthread_mutex_lock(&lane->lock);
  lw_lane_figures figures = lane->figures;
  pthread_mutex_unlock(&lane->lock);
  return figures;
}
