/* commit_queue.h: a multi-producer commit queue, from event loops to the disk, without the interpreter's lock.
 *
 * Any thread enqueues records; one thread, the writer, writes all that came during its last flush with one flush more
 * (group commit) and notifies the producers. Records complete in the order in which they were enqueued: durable, or
 * discarded, when the writer's owner gives them up. What a record says, which file comes next and what to do about a
 * disk that fails is the owner's.
 *
 * Frames are those of the journal's segments: length and CRC, little-endian, the bytes, zeros up to a multiple of 8.
 */
#ifndef LW_COMMIT_QUEUE_H
#define LW_COMMIT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

typedef struct lw_queue lw_queue;

/* Where to write. `at` advances; the descriptor is written to and flushed, never closed. */
typedef struct {
  int descriptor;
  const char *path;       /* the file's, until LW_QUEUE_FILE_REPLACED */
  uint64_t device, inode; /* the file's: st_dev, st_ino */
  uint32_t seed;          /* of the CRCs */
  uint64_t at, size;      /* where the next frame goes; where the file ends */
  uint64_t count;         /* records written to this file */
  int64_t count_at;       /* where that is written, as a hint for other processes: 8 bytes, little-endian; -1: nowhere */
  int error;              /* errno, with LW_QUEUE_IO_ERROR */
} lw_queue_file;

typedef enum {
  LW_QUEUE_IDLE,          /* nothing came for a while */
  LW_QUEUE_CLOSED,        /* the queue is closed, and all is complete */
  LW_QUEUE_FILE_FULL,     /* the next record does not fit into the file */
  LW_QUEUE_FILE_REPLACED, /* the path leads to another file, to none or to a truncated one: readers would never see
                             this one */
  LW_QUEUE_IO_ERROR,      /* the system took nothing; what it took in part was promised to nobody */
} lw_queue_outcome;

/* Counters of records; all but `in_flight` count since the beginning and never fall. */
typedef struct {
  uint64_t enqueued, completed, durable; /* completed: durable or discarded */
  uint64_t notified;                     /* completed, with all descriptors written to: they may be closed */
  uint64_t in_flight;                    /* taken over by the writer and not complete */
} lw_queue_stats;

/* A queue of at most `records` and `bytes` that wait; NULL without memory. */
lw_queue *lw_queue_new(size_t records, size_t bytes);
/* When no thread uses it any more. */
void lw_queue_free(lw_queue *queue);

/* To enqueue: begin, append each record, commit. Other threads wait meanwhile: do nothing slow in between. */
void lw_queue_begin(lw_queue *queue);
/* 1; or 0 when the queue is full or closed, or without memory, which stays so until the commit. */
int lw_queue_append(lw_queue *queue, const uint8_t *bytes, size_t n);
/* `notify_fd`: an eventfd, to which a one is written each time records of this queue complete, until these have; -1 for
 * none. Returns how many records have ever been enqueued. */
uint64_t lw_queue_commit(lw_queue *queue, int notify_fd);

/* Writer: takes over what is enqueued, waiting up to `idle` seconds for it. Returns 1 when there is any. */
int lw_queue_wait(lw_queue *queue, double idle);
/* Writer: writes what is in flight and what comes, until the owner has to act. After a batch of `batch_threshold`
 * records or more the next flush waits until `commit_interval` seconds have passed, for more records to share it. */
lw_queue_outcome lw_queue_write(lw_queue *queue, lw_queue_file *file, double idle, double commit_interval,
                                size_t batch_threshold);
/* Writer: completes what is in flight without writing it. */
void lw_queue_discard(lw_queue *queue);

/* Accept no more records; lw_queue_write returns when all are complete. */
void lw_queue_close(lw_queue *queue);
/* Accept records again. */
void lw_queue_reopen(lw_queue *queue);
lw_queue_stats lw_queue_get_stats(lw_queue *queue);

#endif
