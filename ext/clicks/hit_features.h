/* hit_features.h: what surrounds each hit on the links of one message, for the rules that tell people from machines.
 *
 * tests/reference/hit_features.py defines what is right. Knows numbers only: texts that are equal (addresses, user
 * agents, positions of links) have equal numbers, from 0 and below the number of hits. Refuses to weigh.
 *
 * Never allocates. Times are microseconds, and the longest reach of one hit to another is bounded, so that the cost of
 * a flood of hits grows with their number and not with its square.
 */
#ifndef LW_HIT_FEATURES_H
#define LW_HIT_FEATURES_H

#include <stddef.h>
#include <stdint.h>

enum { LW_WINDOWS = 4, LW_MAX_NEIGHBOURS = 127, LW_NO_AGENT = -1, LW_MAX_AGE_BOUNDS = 8, LW_MAX_RUN_BOUNDS = 4 };

typedef struct {
  int64_t at;
  int32_t position; /* of the link in the mail */
  int32_t link;     /* the position's number */
  int32_t source;   /* the network's number */
  int32_t agent;    /* the user agent's number, or LW_NO_AGENT */
  int32_t reader;   /* the address's number; without an address no other hit has it */
  int32_t client;   /* the number of address and user agent; -1 without an address */
  int32_t device;   /* the device's number */
  int32_t strangeness;
  uint8_t is_head, is_get, has_agent; /* has_agent: and it is not empty */
} lw_hit;

typedef struct { /* a hit on the link that no person sees */
  int64_t at;
  int32_t client;
} lw_trap;

typedef struct { /* see ClickRun in clicks/classify/click_runs.py; without a start it is that of one hit alone */
  int64_t started_at;
  double duration, longest_pause, shortest_pause, pace_variation; /* seconds */
  int32_t links, source_count, repeats;
  uint8_t has_start, ascending;
} lw_run;

enum { LW_RUN, LW_AGENT_RUN, LW_EVERYONE_RUN, LW_DRIP, LW_EVERYONE_DRIP, LW_RUNS };

typedef struct { /* see HitFeatures in clicks/classify/features.py; echo_gap: -1 for none */
  int64_t echo_gap;
  lw_run runs[LW_RUNS];
  int32_t windows[LW_WINDOWS];
  int32_t excess_readers, link_count;
  uint8_t has_single_link, is_isolated, preceded_by_head, hit_honeypot, repeated;
} lw_features;

typedef struct { /* what rules compare features with: hits between the same bounds are alike to them */
  double ages[LW_MAX_AGE_BOUNDS], pauses[LW_MAX_RUN_BOUNDS], variations[LW_MAX_RUN_BOUNDS];
  int32_t age_count, pause_count, variation_count;
  int64_t click_check;
} lw_rule_bounds;

typedef struct { /* all that rules look at in what surrounds a hit; padding is 0, so that equal ones have equal bytes */
  struct {
    int32_t links, source_count, repeats;
    uint8_t longest_pause, shortest_pause, pace_variation, ascending;
  } runs[LW_RUNS];
  int32_t windows[LW_WINDOWS];
  int32_t excess_readers, link_count;
  uint8_t age, echo, has_single_link, is_isolated, preceded_by_head, hit_honeypot, repeated, has_neighbours;
} lw_context;

typedef struct {
  int64_t run_reach, drip_reach, echo_reach, single_link_reach;
  int64_t sweep_pause, scatter_pause, drip_pause;
  int64_t head_gap, double_click_gap, second;
  int64_t step, window_steps[LW_WINDOWS]; /* the length of each window, in steps */
  double reader_density_factor;
  int32_t max_neighbours, min_drip_hits;
} lw_reach;

typedef struct {
  const lw_hit *hits; /* clicks in order of time */
  size_t hit_count;
  const lw_trap *traps;
  size_t trap_count;
  int64_t delivered_at;
  uint8_t is_delivered, knows_links; /* knows_links: how many the mail has */
} lw_message;

/* How many numbers the workspace for so many hits must hold. */
size_t lw_features_workspace(size_t hit_count);

/* Fill in the features of each of the hits. */
void lw_extract_features(const lw_message *message, const lw_reach *reach, int32_t *workspace, lw_features *features);

/* Fill in what rules see of the features of one of the message's hits. */
void lw_describe_context(const lw_message *message, size_t hit, const lw_features *features,
                         const lw_rule_bounds *bounds, lw_context *context);

#endif
