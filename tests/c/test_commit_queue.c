/* test_commit_queue.c: what is enqueued reaches the file once and in order, whoever enqueues and whatever fails. */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "test_list.h"
#include "crc32.h"
#include "commit_queue.h"

enum { THREADS = 4, RECORDS = 2000, SIZE = 1 << 20, SEED = 77, COUNT_AT = 56 };

/* An empty file of SIZE bytes in the working folder of the system's temporary files, as a target from offset 64 on. */
static lw_queue_file target_of(char *path) {
  memcpy(path, "/tmp/lw-queue-XXXXXX", 21);
  int descriptor = mkstemp(path);
  CHECK(descriptor >= 0 && ftruncate(descriptor, SIZE) == 0);
  struct stat status;
  CHECK(fstat(descriptor, &status) == 0);
  lw_queue_file file = {
      descriptor, path, (uint64_t)status.st_dev, (uint64_t)status.st_ino, SEED, 64, SIZE, 0, COUNT_AT, 0};
  return file;
}

static void release(lw_queue_file *file) {
  close(file->descriptor);
  unlink(file->path);
}

static uint32_t word(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t put(lw_queue *queue, const void *bytes, size_t n, int notify_fd, int wanted) {
  lw_queue_begin(queue);
  CHECK(lw_queue_append(queue, bytes, n) == wanted);
  return lw_queue_commit(queue, notify_fd);
}

typedef struct {
  lw_queue *queue;
  uint32_t thread;
  int notify_fd;
} putting;

static void *put_many(void *argument) {
  putting *this = argument;
  for (uint32_t i = 0; i < RECORDS; i++) {
    uint32_t fact[3] = {this->thread, i, i};
    put(this->queue, fact, 8 + i % 5, this->notify_fd, 1);
  }
  return NULL;
}

/* Every frame is whole, and each thread's numbers rise by one. Returns how many there are. */
static size_t read_back(const lw_queue_file *file) {
  uint8_t *data = lw_test_room(SIZE);
  CHECK(pread(file->descriptor, data, SIZE, 0) == SIZE);
  uint32_t next[THREADS] = {0};
  size_t records = 0, at = 64;
  for (; at < file->at; records++) {
    size_t n = word(data + at);
    const uint8_t *fact = data + at + 8;
    CHECK(word(data + at + 4) == lw_crc32(SEED, fact, n));
    uint32_t thread, inode;
    memcpy(&thread, fact, 4);
    memcpy(&inode, fact + 4, 4);
    CHECK(thread < THREADS && inode == next[thread]++ && n == 8 + inode % 5);
    at += 8 + n;
    for (; at % 8; at++) CHECK(data[at] == 0);
  }
  CHECK(at == file->at && word(data + COUNT_AT) == file->count);
  free(data);
  return records;
}

void a_queue_keeps_all_of_every_thread(void) {
  char path[21];
  int notify_fd[2];
  CHECK(pipe(notify_fd) == 0 && fcntl(notify_fd[1], F_SETFL, O_NONBLOCK) == 0);
  lw_queue_file file = target_of(path);
  lw_queue *queue = lw_queue_new(THREADS * RECORDS, SIZE);
  pthread_t threads[THREADS];
  putting all[THREADS];
  for (uint32_t i = 0; i < THREADS; i++) {
    all[i] = (putting){queue, i, i % 2 ? notify_fd[1] : -1};
    CHECK(pthread_create(&threads[i], NULL, put_many, &all[i]) == 0);
  }
  while (lw_queue_get_stats(queue).completed < THREADS * RECORDS)
    CHECK(lw_queue_write(queue, &file, 0.01, 0.001, 4) == LW_QUEUE_IDLE);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  lw_queue_close(queue);
  CHECK(lw_queue_write(queue, &file, 10, 0, 4) == LW_QUEUE_CLOSED);
  lw_queue_stats found = lw_queue_get_stats(queue);
  CHECK(found.enqueued == THREADS * RECORDS && found.durable == found.enqueued);
  CHECK(found.notified == found.enqueued && found.in_flight == 0);
  CHECK(read_back(&file) == THREADS * RECORDS && file.count == THREADS * RECORDS);
  char rung[8];
  CHECK(read(notify_fd[0], rung, sizeof rung) == sizeof rung);
  close(notify_fd[0]);
  close(notify_fd[1]);
  lw_queue_free(queue);
  release(&file);
}

void a_queue_has_bounds(void) {
  lw_queue *queue = lw_queue_new(3, 100);
  static const uint8_t BYTES[200];
  CHECK(put(queue, BYTES, sizeof BYTES, -1, 0) == 0);
  CHECK(put(queue, BYTES, 30, -1, 1) == 1);
  CHECK(put(queue, BYTES, 90, -1, 0) == 1);
  CHECK(put(queue, BYTES, 1, -1, 1) == 2);
  CHECK(lw_queue_wait(queue, 0) == 1);
  CHECK(put(queue, BYTES, 1, -1, 1) == 3);
  CHECK(put(queue, BYTES, 1, -1, 0) == 3); /* what is in flight counts as well */
  lw_queue_discard(queue);
  lw_queue_stats found = lw_queue_get_stats(queue);
  CHECK(found.completed == 2 && found.notified == 2 && found.durable == 0 && found.in_flight == 0);
  CHECK(put(queue, BYTES, 1, -1, 1) == 4);
  lw_queue_close(queue);
  CHECK(put(queue, BYTES, 1, -1, 0) == 4);
  CHECK(lw_queue_wait(queue, 10) == 1);
  lw_queue_discard(queue);
  CHECK(lw_queue_wait(queue, 10) == 0);
  CHECK(lw_queue_get_stats(queue).completed == 4);
  lw_queue_free(queue);
}

void a_queue_reports_what_it_cannot_do(void) {
  char path[21], other[] = "/tmp/lw-queue-is-not-there";
  uint32_t fact[2] = {0, 0};
  lw_queue_file file = target_of(path);
  lw_queue *queue = lw_queue_new(10, 1000);
  for (uint32_t i = 0; i < 3; i++) {
    uint32_t next[3] = {0, i, i};
    put(queue, next, 8 + i, -1, 1);
  }
  file.path = other;
  CHECK(lw_queue_write(queue, &file, 0, 0, 4) == LW_QUEUE_FILE_REPLACED && lw_queue_get_stats(queue).in_flight == 3);
  file.path = path;
  int durable = file.descriptor;
  file.descriptor = open("/dev/null", O_RDONLY);
  CHECK(lw_queue_write(queue, &file, 0, 0, 4) == LW_QUEUE_IO_ERROR && file.error != 0);
  CHECK(lw_queue_get_stats(queue).in_flight == 3);
  close(file.descriptor);
  file.descriptor = durable;
  file.size = 64 + 16 + 24; /* room for two of the three */
  CHECK(lw_queue_write(queue, &file, 0, 0, 4) == LW_QUEUE_FILE_FULL && lw_queue_get_stats(queue).in_flight == 1);
  CHECK(lw_queue_write(queue, &file, 0, 0, 4) == LW_QUEUE_FILE_FULL && lw_queue_get_stats(queue).durable == 2);
  file.size = SIZE;
  CHECK(lw_queue_write(queue, &file, 0, 0, 4) == LW_QUEUE_IDLE && lw_queue_get_stats(queue).durable == 3);
  CHECK(read_back(&file) == 3 && file.count == 3);
  put(queue, fact, 4, -1, 1);
  lw_queue_close(queue);
  CHECK(lw_queue_write(queue, &file, 10, 0, 4) == LW_QUEUE_CLOSED && lw_queue_get_stats(queue).durable == 4);
  lw_queue_free(queue);
  release(&file);
}
