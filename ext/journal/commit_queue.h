/* commit_queue.h: the way of facts from event loops to the disk, without the interpreter's lock.
 *
 * Any thread puts facts in; one thread writes all that have come while it was busy with one flush (group commit), and
 * rings the bells of those who wait. Facts are decided in the order in which they were put in: kept, when they are
 * durable, or dropped, when the writing thread's owner gives them up. What a fact says, which file comes next and what
 * to do about a disk that fails is the owner's.
 *
 * Frames are as linkweir.clicks.journal.segment has them: length and CRC, little-endian, the bytes, zeros up to a multiple of 8.
 */
#ifndef LW_COMMIT_QUEUE_H
#define LW_COMMIT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

typedef struct lw_lane lw_lane;

/* Where to write. `at` moves on; the descriptor is written to and flushed, never closed. */
typedef struct {
  int descriptor;
  const char *path;        /* for as long as it is the file's, see LW_LANE_MOVED */
  uint64_t device, number; /* of the file: st_dev, st_ino */
  uint32_t seed;           /* what CRCs begin with */
  uint64_t at, size;       /* where the next frame goes; where the file ends */
  uint8_t *count;          /* 8 bytes, little-endian: facts written to this file, a hint for other processes */
  int error;               /* errno, with LW_LANE_FAILED */
} lw_lane_file;

typedef enum {
  LW_LANE_IDLE,   /* nothing came for a while */
  LW_LANE_ENDED,  /* nothing will come any more, and all was decided */
  LW_LANE_FULL,   /* the next fact does not fit into the file */
  LW_LANE_MOVED,  /* the path leads to another file, to none or to one that was cut: `count` may be no memory any more,
                     and whoever reads would never see this one */
  LW_LANE_FAILED, /* the system took nothing; what it may have taken in part was promised to nobody */
} lw_lane_outcome;

/* How much is known about facts, each number counted since the beginning and never falling. */
typedef struct {
  uint64_t taken, decided, kept; /* put in; kept or dropped; kept */
  uint64_t told;                 /* decided, and every bell that was given along has been rung: it may be closed */
  uint64_t held;                 /* not since the beginning: taken over by the writing thread and not decided */
} lw_lane_figures;

/* A lane for at most so many facts and bytes that wait; NULL without memory. */
lw_lane *lw_lane_new(size_t facts, size_t bytes);
/* Nobody uses it any more. */
void lw_lane_free(lw_lane *lane);

/* Put facts in: open, put each, close. Other threads wait meanwhile, so nothing slow may be done in between. */
void lw_lane_open(lw_lane *lane);
/* 1, or 0 when there is no room, no memory, or the lane has ended: then nor will there be before it is closed. */
int lw_lane_put(lw_lane *lane, const uint8_t *bytes, size_t n);
/* `bell`: a descriptor to which the eight bytes of a one are written each time facts of this lane have been decided,
 * until these are; -1 for none. Returns how many facts have been taken, these included. */
uint64_t lw_lane_close(lw_lane *lane, int bell);

/* The writing thread: 1 when it holds facts, which may take up to `idle` seconds to come; 0 when none did. */
int lw_lane_wait(lw_lane *lane, double idle);
/* The writing thread: writes what it holds and what comes, until something else than that is to be done. After
 * `together` facts or more at once it leaves `gather` seconds between two flushes, for more to share one. */
lw_lane_outcome lw_lane_run(lw_lane *lane, lw_lane_file *file, double idle, double gather, size_t together);
/* The writing thread: gives up what it holds. */
void lw_lane_drop(lw_lane *lane);

/* Take nothing any more; lw_lane_run ends when all was decided. */
void lw_lane_end(lw_lane *lane);
/* After an end: take facts again. */
void lw_lane_begin(lw_lane *lane);
lw_lane_figures lw_lane_look(lw_lane *lane);

#endif
