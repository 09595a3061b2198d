/* commit_queue.c: see commit_queue.h. Two batches: producers fill one, the writer writes the other and swaps them. */
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

enum { FRAME_HEADER_BYTES = 8, FRAME_ALIGNMENT = 8 }; /* bytes: of a frame's head; what its length is a multiple of */

/* Records one after the other: length as size_t, bytes. */
typedef struct {
  uint8_t *bytes;
  size_t used, room, records;
  int *notify_fds;
  size_t notify_count, notify_capacity;
} batch;

struct lw_queue {
  pthread_mutex_t lock; /* of all but `writing`, `at` and `frames`, which are the writer's */
  pthread_cond_t available;
  batch filling, writing;
  size_t at; /* in `writing`: what lies before is complete */
  uint8_t *frames;
  size_t frames_room;
  size_t max_records, max_bytes;
  int closed;
  lw_queue_stats stats;
};

static int grow(void **buffer, size_t *room, size_t wanted, size_t unit) {
  if (wanted <= *room) return 1;
  size_t next = wanted + wanted / 2;
  void *more = realloc(*buffer, next * unit);
  if (!more) return 0;
  *buffer = more;
  *room = next;
  return 1;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static struct timespec to_timespec(double seconds) {
  struct timespec time = {(time_t)seconds, 0};
  time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
  return time;
}

/* Apple's condition variables know no monotonic clock, but times from now on. */
static int init_available(pthread_cond_t *available) {
#ifdef __APPLE__
  return pthread_cond_init(available, NULL);
#else
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
  int wrong = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) || pthread_cond_init(available, &attributes);
  pthread_condattr_destroy(&attributes);
  return wrong;
#endif
}

static int wait_available(lw_queue *queue, double until) {
#ifdef __APPLE__
  double rest = until - now();
  struct timespec time = to_timespec(rest > 0 ? rest : 0);
  return pthread_cond_timedwait_relative_np(&queue->available, &queue->lock, &time);
#else
  struct timespec time = to_timespec(until);
  return pthread_cond_timedwait(&queue->available, &queue->lock, &time);
#endif
}

lw_queue *lw_queue_new(size_t records, size_t bytes) {
  lw_crc32_prepare();
  lw_queue *queue = calloc(1, sizeof *queue);
  if (!queue) return NULL;
  if (pthread_mutex_init(&queue->lock, NULL) || init_available(&queue->available)) {
    free(queue);
    return NULL;
  }
  queue->max_records = records;
  queue->max_bytes = bytes;
  return queue;
}

static void free_batch(batch *one) {
  free(one->bytes);
  free(one->notify_fds);
}

void lw_queue_free(lw_queue *queue) {
  if (!queue) return;
  free_batch(&queue->filling);
  free_batch(&queue->writing);
  free(queue->frames);
  pthread_cond_destroy(&queue->available);
  pthread_mutex_destroy(&queue->lock);
  free(queue);
}

void lw_queue_begin(lw_queue *queue) { pthread_mutex_lock(&queue->lock); }

int lw_queue_append(lw_queue *queue, const uint8_t *bytes, size_t n) {
  batch *filling = &queue->filling;
  size_t waiting = (size_t)(queue->stats.enqueued - queue->stats.completed), used = filling->used + sizeof n + n;
  if (queue->closed || waiting >= queue->max_records || used > queue->max_bytes) return 0;
  if (!grow((void **)&filling->bytes, &filling->room, used, 1)) return 0;
  memcpy(filling->bytes + filling->used, &n, sizeof n);
  memcpy(filling->bytes + filling->used + sizeof n, bytes, n);
  filling->used = used;
  filling->records++;
  queue->stats.enqueued++;
  return 1;
}

static void add_notify_fd(batch *filling, int notify_fd) {
  for (size_t i = 0; i < filling->notify_count; i++)
    if (filling->notify_fds[i] == notify_fd) return;
  /* without memory its producer is notified late; the record is durable all the same */
  if (!grow((void **)&filling->notify_fds, &filling->notify_capacity, filling->notify_count + 1, sizeof notify_fd))
    return;
  filling->notify_fds[filling->notify_count++] = notify_fd;
}

uint64_t lw_queue_commit(lw_queue *queue, int notify_fd) {
  uint64_t enqueued = queue->stats.enqueued;
  if (notify_fd >= 0 && queue->filling.records) add_notify_fd(&queue->filling, notify_fd);
  pthread_mutex_unlock(&queue->lock);
  pthread_cond_signal(&queue->available); /* now: the writer would only wake to wait for the lock */
  return enqueued;
}

int lw_queue_wait(lw_queue *queue, double idle) {
  if (queue->writing.records) return 1;
  double until = now() + idle;
  pthread_mutex_lock(&queue->lock);
  while (!queue->filling.records && !queue->closed)
    if (wait_available(queue, until)) break;
  batch empty = queue->writing;
  empty.used = empty.notify_count = 0;
  queue->writing = queue->filling;
  queue->filling = empty;
  queue->at = 0;
  queue->stats.in_flight = queue->writing.records;
  pthread_mutex_unlock(&queue->lock);
  return queue->writing.records > 0;
}

/* The first `records` of the batch in flight are durable, or discarded. */
static void complete(lw_queue *queue, size_t records, int durable) {
  static const uint64_t ONE = 1;
  pthread_mutex_lock(&queue->lock);
  queue->stats.completed += records;
  if (durable) queue->stats.durable += records;
  queue->stats.in_flight -= records;
  uint64_t completed = queue->stats.completed;
  pthread_mutex_unlock(&queue->lock);
  queue->writing.records -= records;
  for (size_t i = 0; i < queue->writing.notify_count; i++)
    if (write(queue->writing.notify_fds[i], &ONE, sizeof ONE) < 0) continue; /* full: already notified */
  if (queue->writing.records) return;
  pthread_mutex_lock(&queue->lock);
  queue->stats.notified = completed;
  pthread_mutex_unlock(&queue->lock);
}

void lw_queue_discard(lw_queue *queue) { complete(queue, queue->writing.records, 0); }

static uint8_t *put32(uint8_t *out, uint32_t value) {
  for (int i = 0; i < 4; i++) *out++ = (uint8_t)(value >> 8 * i);
  return out;
}

static uint8_t *frame(uint8_t *out, const uint8_t *bytes, size_t n, uint32_t seed) {
  out = put32(put32(out, (uint32_t)n), lw_crc32(seed, bytes, n));
  memcpy(out, bytes, n);
  memset(out + n, 0, -n % FRAME_ALIGNMENT);
  return out + n + -n % FRAME_ALIGNMENT;
}

/* Frames as many records as fit into `room`; how many. */
static size_t frame_batch(lw_queue *queue, uint64_t room, uint32_t seed, size_t *length) {
  size_t records = 0, n;
  uint8_t *out = queue->frames;
  for (; records < queue->writing.records; records++) {
    const uint8_t *record = queue->writing.bytes + queue->at;
    memcpy(&n, record, sizeof n);
    if (FRAME_HEADER_BYTES + n + -n % FRAME_ALIGNMENT > room - (uint64_t)(out - queue->frames)) break;
    out = frame(out, record + sizeof n, n, seed);
    queue->at += sizeof n + n;
  }
  *length = (size_t)(out - queue->frames);
  return records;
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

static int is_replaced(const lw_queue_file *file) {
  struct stat status;
  return stat(file->path, &status) || (uint64_t)status.st_dev != file->device ||
         (uint64_t)status.st_ino != file->inode || (uint64_t)status.st_size < file->size;
}

/* This process alone writes there, and others only read: no lock. Not through mapped memory: a file that somebody cuts
 * at this moment would end the process. */
static void count(lw_queue_file *file, size_t records) {
  uint8_t bytes[8];
  file->count += records;
  if (file->count_at < 0) return;
  for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)(file->count >> 8 * i);
  if (pwrite(file->descriptor, bytes, sizeof bytes, (off_t)file->count_at) < 0) return; /* a hint: the next one counts */
}

/* One flush: LW_QUEUE_IDLE when all that was in flight is durable. */
static lw_queue_outcome write_batch(lw_queue *queue, lw_queue_file *file) {
  size_t before = queue->at, length, overhead = FRAME_HEADER_BYTES + FRAME_ALIGNMENT;
  size_t most = overhead * queue->writing.records + queue->writing.used;
  if (is_replaced(file)) return LW_QUEUE_FILE_REPLACED;
  file->error = ENOMEM;
  if (!grow((void **)&queue->frames, &queue->frames_room, most, 1)) return LW_QUEUE_IO_ERROR;
  size_t records = frame_batch(queue, file->size - file->at, file->seed, &length);
  if (!records) return LW_QUEUE_FILE_FULL;
  file->error = write_durably(file->descriptor, queue->frames, length, file->at);
  int replaced = is_replaced(file); /* meanwhile: what was written may be gone, and is written again elsewhere */
  if (file->error || replaced) {
    queue->at = before;
    return replaced ? LW_QUEUE_FILE_REPLACED : LW_QUEUE_IO_ERROR;
  }
  file->at += length;
  count(file, records);
  complete(queue, records, 1);
  return queue->writing.records ? LW_QUEUE_FILE_FULL : LW_QUEUE_IDLE;
}

lw_queue_outcome lw_queue_write(lw_queue *queue, lw_queue_file *file, double idle, double commit_interval,
                                size_t batch_threshold) {
  while (lw_queue_wait(queue, idle)) {
    double began = now();
    size_t records = queue->writing.records;
    lw_queue_outcome outcome = write_batch(queue, file);
    if (outcome != LW_QUEUE_IDLE) return outcome;
    double rest = began + commit_interval - now();
    if (records >= batch_threshold && rest > 0) {
      struct timespec time = to_timespec(rest);
      nanosleep(&time, NULL);
    }
  }
  pthread_mutex_lock(&queue->lock);
  int closed = queue->closed;
  pthread_mutex_unlock(&queue->lock);
  return closed ? LW_QUEUE_CLOSED : LW_QUEUE_IDLE;
}

void lw_queue_reopen(lw_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->closed = 0;
  pthread_mutex_unlock(&queue->lock);
}

void lw_queue_close(lw_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  queue->closed = 1;
  pthread_cond_signal(&queue->available);
  pthread_mutex_unlock(&queue->lock);
}

lw_queue_stats lw_queue_get_stats(lw_queue *queue) {
  pthread_mutex_lock(&queue->lock);
  lw_queue_stats stats = queue->stats;
  pthread_mutex_unlock(&queue->lock);
  return stats;
}
