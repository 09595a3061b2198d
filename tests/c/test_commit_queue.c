/* test_commit_queue.c: what is put into a lane comes to the file once and in order, whoever puts it in and whatever fails. */
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

enum { THREADS = 4, FACTS = 2000, SIZE = 1 << 20, SEED = 77 };

/* An empty file of SIZE bytes in the working folder of the system's temporary files, as a target from offset 64 on. */
static lw_lane_file target_of(char *path, uint8_t *count) {
  memcpy(path, "/tmp/lw-lane-XXXXXX", 20);
  int descriptor = mkstemp(path);
  CHECK(descriptor >= 0 && ftruncate(descriptor, SIZE) == 0);
  struct stat status;
  CHECK(fstat(descriptor, &status) == 0);
  memset(count, 0, 8);
  lw_lane_file file = {descriptor, path, (uint64_t)status.st_dev, (uint64_t)status.st_ino, SEED, 64, SIZE, count, 0};
  return file;
}

static void release(lw_lane_file *file) {
  close(file->descriptor);
  unlink(file->path);
}

static uint32_t word(const uint8_t *bytes) {
  return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static uint64_t put(lw_lane *lane, const void *bytes, size_t n, int bell, int wanted) {
  lw_lane_open(lane);
  CHECK(lw_lane_put(lane, bytes, n) == wanted);
  return lw_lane_close(lane, bell);
}

typedef struct {
  lw_lane *lane;
  uint32_t thread;
  int bell;
} putting;

static void *put_many(void *argument) {
  putting *this = argument;
  for (uint32_t i = 0; i < FACTS; i++) {
    uint32_t fact[3] = {this->thread, i, i};
    put(this->lane, fact, 8 + i % 5, this->bell, 1);
  }
  return NULL;
}

/* Every frame is whole, and each thread's numbers rise by one. Returns how many there are. */
static size_t read_back(const lw_lane_file *file) {
  uint8_t *data = lw_test_room(SIZE);
  CHECK(pread(file->descriptor, data, SIZE, 0) == SIZE);
  uint32_t next[THREADS] = {0};
  size_t facts = 0, at = 64;
  for (; at < file->at; facts++) {
    size_t n = word(data + at);
    const uint8_t *fact = data + at + 8;
    CHECK(word(data + at + 4) == lw_crc32(SEED, fact, n));
    uint32_t thread, number;
    memcpy(&thread, fact, 4);
    memcpy(&number, fact + 4, 4);
    CHECK(thread < THREADS && number == next[thread]++ && n == 8 + number % 5);
    at += 8 + n;
    for (; at % 8; at++) CHECK(data[at] == 0);
  }
  CHECK(at == file->at);
  free(data);
  return facts;
}

void a_lane_keeps_all_of_every_thread(void) {
  char path[20];
  uint8_t count[8];
  int bell[2];
  CHECK(pipe(bell) == 0 && fcntl(bell[1], F_SETFL, O_NONBLOCK) == 0);
  lw_lane_file file = target_of(path, count);
  lw_lane *lane = lw_lane_new(THREADS * FACTS, SIZE);
  pthread_t threads[THREADS];
  putting all[THREADS];
  for (uint32_t i = 0; i < THREADS; i++) {
    all[i] = (putting){lane, i, i % 2 ? bell[1] : -1};
    CHECK(pthread_create(&threads[i], NULL, put_many, &all[i]) == 0);
  }
  while (lw_lane_look(lane).decided < THREADS * FACTS) CHECK(lw_lane_run(lane, &file, 0.01, 0.001, 4) == LW_LANE_IDLE);
  for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
  lw_lane_end(lane);
  CHECK(lw_lane_run(lane, &file, 10, 0, 4) == LW_LANE_ENDED);
  lw_lane_figures found = lw_lane_look(lane);
  CHECK(found.taken == THREADS * FACTS && found.kept == found.taken && found.told == found.taken && found.held == 0);
  CHECK(read_back(&file) == THREADS * FACTS && word(count) == THREADS * FACTS);
  char rung[8];
  CHECK(read(bell[0], rung, sizeof rung) == sizeof rung);
  close(bell[0]);
  close(bell[1]);
  lw_lane_free(lane);
  release(&file);
}

void a_lane_has_bounds(void) {
  lw_lane *lane = lw_lane_new(3, 100);
  static const uint8_t BYTES[200];
  CHECK(put(lane, BYTES, sizeof BYTES, -1, 0) == 0);
  CHECK(put(lane, BYTES, 30, -1, 1) == 1);
  CHECK(put(lane, BYTES, 90, -1, 0) == 1);
  CHECK(put(lane, BYTES, 1, -1, 1) == 2);
  CHECK(lw_lane_wait(lane, 0) == 1);
  CHECK(put(lane, BYTES, 1, -1, 1) == 3);
  CHECK(put(lane, BYTES, 1, -1, 0) == 3); /* what is held waits as well */
  lw_lane_drop(lane);
  lw_lane_figures found = lw_lane_look(lane);
  CHECK(found.decided == 2 && found.told == 2 && found.kept == 0 && found.held == 0);
  CHECK(put(lane, BYTES, 1, -1, 1) == 4);
  lw_lane_end(lane);
  CHECK(put(lane, BYTES, 1, -1, 0) == 4);
  CHECK(lw_lane_wait(lane, 10) == 1);
  lw_lane_drop(lane);
  CHECK(lw_lane_wait(lane, 10) == 0);
  CHECK(lw_lane_look(lane).decided == 4);
  lw_lane_free(lane);
}

void a_lane_says_what_it_cannot_do(void) {
  char path[20], other[] = "/tmp/lw-lane-is-not-there";
  uint8_t count[8];
  uint32_t fact[2] = {0, 0};
  lw_lane_file file = target_of(path, count);
  lw_lane *lane = lw_lane_new(10, 1000);
  for (uint32_t i = 0; i < 3; i++) {
    uint32_t next[3] = {0, i, i};
    put(lane, next, 8 + i, -1, 1);
  }
  file.path = other;
  CHECK(lw_lane_run(lane, &file, 0, 0, 4) == LW_LANE_MOVED && lw_lane_look(lane).held == 3);
  file.path = path;
  int kept = file.descriptor;
  file.descriptor = open("/dev/null", O_RDONLY);
  CHECK(lw_lane_run(lane, &file, 0, 0, 4) == LW_LANE_FAILED && file.error != 0 && lw_lane_look(lane).held == 3);
  close(file.descriptor);
  file.descriptor = kept;
  file.size = 64 + 16 + 24; /* room for two of the three */
  CHECK(lw_lane_run(lane, &file, 0, 0, 4) == LW_LANE_FULL && lw_lane_look(lane).held == 1);
  CHECK(lw_lane_run(lane, &file, 0, 0, 4) == LW_LANE_FULL && lw_lane_look(lane).kept == 2);
  file.size = SIZE;
  CHECK(lw_lane_run(lane, &file, 0, 0, 4) == LW_LANE_IDLE && lw_lane_look(lane).kept == 3);
  CHECK(read_back(&file) == 3 && word(count) == 3);
  put(lane, fact, 4, -1, 1);
  lw_lane_end(lane);
  CHECK(lw_lane_run(lane, &file, 10, 0, 4) == LW_LANE_ENDED && lw_lane_look(lane).kept == 4);
  lw_lane_free(lane);
  release(&file);
}
