/* hit_features.c: see hit_features.h. */
#include "hit_features.h"

#include <math.h>
#include <string.h>

#define SECOND_US 1e6

typedef enum { BY_EVERYONE, BY_SOURCE, BY_AGENT } grouping;

/* Hits by what they have in common: those of key k are order[start[k]] to before order[start[k + 1]], in order of time;
 * place has where each hit is, or -1. */
typedef struct {
  int32_t *order, *start, *place;
  int32_t stream_count;
} streams;

typedef struct {
  const lw_message *message;
  const lw_reach *reach;
  streams everyone, by_source, by_agent;
  streams followed, followed_by_source, followed_by_agent; /* without HEAD */
  int32_t *everyone_windows, *source_windows, *agent_windows; /* LW_WINDOWS for each place */
  int32_t *link_counts, *window_links, *window_ends, *densest;
  int32_t *link_marks, *source_marks, mark; /* seen in what is looked at now */
} extraction;

typedef struct { int32_t first, last; } span; /* of places, or of hits; both belong to it */

typedef struct { /* what the hits around one have in common; readers beyond two for each link */
  span around;
  int64_t reach;
  int32_t excess_readers, link_count;
  uint8_t has_single_link, is_known;
} surroundings;

size_t lw_features_workspace(size_t n) { return 6 * (3 * n + 2) + 3 * LW_WINDOWS * n + 6 * n; }

static int32_t *take(int32_t **workspace, size_t n) {
  int32_t *taken = *workspace;
  *workspace += n;
  return taken;
}

static int64_t distance(int64_t a, int64_t b) { return a > b ? a - b : b - a; }

static int32_t key_of(const lw_hit *hit, grouping by) {
  if (by == BY_EVERYONE) return 0;
  return by == BY_SOURCE ? hit->source : hit->has_agent ? hit->agent : -1;
}

static streams split(const lw_message *message, grouping by, int without_head, int32_t **workspace) {
  size_t hit_count = message->hit_count;
  int32_t n = (int32_t)hit_count;
  streams made = {take(workspace, hit_count), take(workspace, hit_count + 2), take(workspace, hit_count), 0};
  memset(made.start, 0, sizeof(int32_t) * (hit_count + 2));
  for (int32_t i = 0; i < n; i++) {
    int32_t key = without_head && message->hits[i].is_head ? -1 : key_of(&message->hits[i], by);
    made.place[i] = key;
    if (key >= 0) made.stream_count += made.start[key + 2]++ == 0;
  }
  for (int32_t key = 1; key < n + 2; key++) made.start[key] += made.start[key - 1];
  for (int32_t i = 0; i < n; i++) {
    int32_t key = made.place[i];
    if (key < 0) continue;
    made.place[i] = made.start[key + 1]++;
    made.order[made.place[i]] = i;
  }
  return made;
}

/* The most distinct links in any window of `length` microseconds that holds each hit of a stream, for every hit. */
static void find_densest(extraction *own, const int32_t *order, int32_t n, int64_t length, int32_t *found) {
  const lw_hit *hits = own->message->hits;
  int32_t end = 0, links = 0, head = 0, tail = 0;
  for (int32_t i = 0; i < n; i++) { /* for the window that begins with each hit: its distinct links and its last hit */
    for (; end < n && hits[order[end]].at - hits[order[i]].at <= length; end++)
      links += own->link_counts[hits[order[end]].link]++ == 0;
    own->window_links[i] = links;
    own->window_ends[i] = end - 1;
    links -= --own->link_counts[hits[order[i]].link] == 0;
  }
  for (int32_t i = 0; i < n; i++) { /* starts of windows that may still hold the hit, the densest first */
    while (tail > head && own->window_links[own->densest[tail - 1]] <= own->window_links[i]) tail--;
    own->densest[tail++] = i;
    while (own->window_ends[own->densest[head]] < i) head++;
    found[(size_t)i * LW_WINDOWS] = own->window_links[own->densest[head]];
  }
}

static void find_windows(extraction *own, const streams *some, int32_t *found) {
  int32_t n = (int32_t)own->message->hit_count;
  for (int32_t key = 0; key <= n; key++) {
    int32_t first = some->start[key], count = some->start[key + 1] - first;
    for (int window = 0; count && window < LW_WINDOWS; window++)
      find_densest(own, some->order + first, count, own->reach->window_steps[window] * own->reach->step,
                   found + (size_t)first * LW_WINDOWS + window);
  }
}

static const lw_run SINGLE = {0, 0.0, 0.0, 0.0, 1.0, 1, 1, 0, 0, 0};

static double vary(const double *pauses, int32_t n) {
  double sum = 0.0, squares = 0.0;
  if (n <= 2) return 1.0;
  for (int32_t i = 0; i < n; i++) sum += pauses[i];
  double mean = sum / n;
  for (int32_t i = 0; i < n; i++) squares += (pauses[i] - mean) * (pauses[i] - mean);
  return mean != 0.0 ? sqrt(squares / n) / mean : 1.0;
}

static lw_run describe_run(extraction *own, const int32_t *order, span run) {
  double pauses[2 * LW_MAX_NEIGHBOURS + 1];
  const lw_hit *hits = own->message->hits, *before = 0;
  const lw_hit *first = &hits[order[run.first]], *last = &hits[order[run.last]];
  lw_run made = {first->at, (double)(last->at - first->at) / SECOND_US, 0.0, 0.0, 1.0, 0, 0, 0, 1, 1};
  int32_t mark = ++own->mark, pause_count = 0;
  if (run.first == run.last) return SINGLE;
  for (int32_t place = run.first; place <= run.last; place++) {
    const lw_hit *hit = &hits[order[place]];
    if (own->source_marks[hit->source] != mark) {
      own->source_marks[hit->source] = mark;
      made.source_count++;
    }
    if (own->link_marks[hit->link] == mark) continue;
    own->link_marks[hit->link] = mark;
    if (made.links++) {
      double pause = (double)(hit->at - before->at) / SECOND_US;
      if (pause_count == 0 || pause > made.longest_pause) made.longest_pause = pause;
      if (pause_count == 0 || pause < made.shortest_pause) made.shortest_pause = pause;
      if (hit->position <= before->position) made.ascending = 0;
      pauses[pause_count++] = pause;
    }
    before = hit;
  }
  made.repeats = run.last - run.first + 1 - made.links;
  made.pace_variation = vary(pauses, pause_count);
  return made;
}

/* The run around a hit: as far as no pause is longer than `pause`, and within `reach` of it. */
static lw_run find_run(extraction *own, const streams *some, grouping by, int32_t hit, int64_t pause, int64_t reach) {
  const lw_hit *hits = own->message->hits;
  const int32_t *order = some->order;
  int32_t key = key_of(&hits[hit], by), place = some->place[hit], most = own->reach->max_neighbours;
  int32_t first_of_stream = some->start[key], last_of_stream = some->start[key + 1] - 1;
  int32_t least = place - most < first_of_stream ? first_of_stream : place - most;
  int32_t greatest = place + most > last_of_stream ? last_of_stream : place + most;
  int64_t at = hits[hit].at;
  span run = {place, place};
  while (run.first > least && hits[order[run.first]].at - hits[order[run.first - 1]].at <= pause &&
         at - hits[order[run.first - 1]].at <= reach)
    run.first--;
  while (run.last < greatest && hits[order[run.last + 1]].at - hits[order[run.last]].at <= pause &&
         hits[order[run.last + 1]].at - at <= reach)
    run.last++;
  return describe_run(own, order, run);
}

static int32_t stream_length(const streams *some, int32_t key) { return some->start[key + 1] - some->start[key]; }

static lw_run find_drip(extraction *own, const streams *some, grouping by, int32_t hit) {
  int32_t key = key_of(&own->message->hits[hit], by);
  if (stream_length(some, key) < own->reach->min_drip_hits) return SINGLE;
  return find_run(own, some, by, hit, own->reach->drip_pause, own->reach->drip_reach);
}

static void describe_surroundings(extraction *own, surroundings *made) {
  const lw_hit *hits = own->message->hits;
  int32_t links = 0, readers = 0, mark = ++own->mark, count = made->around.last - made->around.first + 1;
  made->link_count = 0;
  made->has_single_link = 1;
  for (int32_t i = made->around.first; i <= made->around.last; i++) {
    const lw_hit *hit = &hits[i];
    int known = hit->is_head;
    made->has_single_link &= hit->link == hits[made->around.first].link;
    if (hit->is_head) continue;
    links += own->link_marks[hit->link] != mark;
    own->link_marks[hit->link] = mark;
    if (hit->position >= made->link_count) made->link_count = 1 + hit->position;
    for (int32_t j = made->around.first; j < i && !known; j++)
      known = !hits[j].is_head && hits[j].link == hit->link && hits[j].reader == hit->reader &&
              hits[j].agent == hit->agent;
    readers += !known;
  }
  made->excess_readers = readers > 2 * links ? readers - 2 * links : 0;
  made->reach = 2 * own->reach->run_reach;
  if (count > 2 * own->reach->max_neighbours) { /* a flood is looked at in part */
    made->reach = hits[made->around.last].at - hits[made->around.first].at;
    if (made->reach < own->reach->second) made->reach = own->reach->second;
  }
}

static int is_other_client(const lw_hit *hit, const lw_hit *other) {
  if (hit->source == other->source) return 0;
  return hit->agent != other->agent || (hit->agent == LW_NO_AGENT && hit->device != other->device);
}

static int follows_single_link(const extraction *own, int32_t other, span around) {
  const lw_hit *hits = own->message->hits;
  for (int32_t i = around.first; i <= around.last; i++)
    if (!hits[i].is_head && hits[i].link != hits[other].link && hits[i].source == hits[other].source &&
        distance(hits[i].at, hits[other].at) <= own->reach->single_link_reach)
      return 0;
  return 1;
}

/* The shortest time to a reader's hit on the same link; -1 for none. */
static int64_t find_echo(const extraction *own, int32_t hit, span around) {
  const lw_message *message = own->message;
  const lw_hit *hits = message->hits;
  int late = message->is_delivered && hits[hit].at - message->delivered_at > own->reach->run_reach;
  int64_t shortest = -1;
  for (int32_t i = around.first; i <= around.last; i++) {
    int64_t gap = distance(hits[i].at, hits[hit].at);
    if (hits[i].is_head || hits[i].link != hits[hit].link || gap > own->reach->echo_reach) continue;
    if ((shortest >= 0 && gap >= shortest) || !is_other_client(&hits[hit], &hits[i])) continue;
    int second = late && hits[i].strangeness == hits[hit].strangeness && i < hit;
    if ((hits[i].strangeness < hits[hit].strangeness || second) && follows_single_link(own, i, around)) shortest = gap;
  }
  return shortest;
}

static void look_beside(const extraction *own, int32_t hit, lw_features *made) {
  const lw_hit *hits = own->message->hits;
  const streams *some = &own->by_source;
  int32_t key = hits[hit].source, here = some->place[hit], most = own->reach->max_neighbours;
  int32_t first = here - most < some->start[key] ? some->start[key] : here - most;
  int32_t end = here + most + 1 > some->start[key + 1] ? some->start[key + 1] : here + most + 1;
  for (int32_t place = first; place < end; place++) {
    const lw_hit *other = &hits[some->order[place]];
    int64_t gap = distance(other->at, hits[hit].at);
    if (place == here || other->link != hits[hit].link || gap > own->reach->head_gap) continue;
    made->preceded_by_head |= other->is_head;
    made->repeated |= other->is_get && gap <= own->reach->double_click_gap;
  }
}

static void count_windows(const extraction *own, int32_t hit, int64_t reach, lw_features *made) {
  const lw_hit *own_hit = &own->message->hits[hit];
  size_t at_source = (size_t)own->by_source.place[hit] * LW_WINDOWS, at_everyone = (size_t)hit * LW_WINDOWS;
  int alone = stream_length(&own->by_source, own_hit->source) == (int32_t)own->message->hit_count;
  for (size_t window = 0; window < LW_WINDOWS; window++) {
    int32_t links = own->source_windows[at_source + window];
    if (!alone) { /* else everyone has no more to show, and needs one link more */
      int32_t all = own->everyone_windows[at_everyone + window] - 1;
      if (all > links) links = all;
      if (own_hit->has_agent) {
        int32_t same = own->agent_windows[(size_t)own->by_agent.place[hit] * LW_WINDOWS + window];
        if (same > links) links = same;
      }
    }
    if (made->excess_readers) {
      double density = (double)made->excess_readers / (double)reach;
      double met = own->reach->reader_density_factor * density * (double)own->reach->window_steps[window];
      links -= (int32_t)nearbyint(met * (double)own->reach->step);
    }
    made->windows[window] = links;
  }
}

static void describe_hit(extraction *own, int32_t hit, span around, surroundings *common, lw_features *made) {
  const lw_message *message = own->message;
  const lw_reach *reach = own->reach;
  const lw_hit *own_hit = &message->hits[hit];
  made->echo_gap = -1;
  made->has_single_link = 1;
  for (int run = 0; run < LW_RUNS; run++) made->runs[run] = SINGLE;
  for (size_t i = 0; i < message->trap_count; i++)
    made->hit_honeypot |= own_hit->client >= 0 && own_hit->client == message->traps[i].client &&
                          distance(own_hit->at, message->traps[i].at) <= reach->run_reach;
  if (message->hit_count > 1 && !own_hit->is_head) {
    made->runs[LW_DRIP] = own_hit->has_agent ? find_drip(own, &own->followed_by_agent, BY_AGENT, hit)
                                         : find_drip(own, &own->followed_by_source, BY_SOURCE, hit);
    if (own->followed_by_source.stream_count >= reach->min_drip_hits) /* fewer networks are no spray */
      made->runs[LW_EVERYONE_DRIP] = find_drip(own, &own->followed, BY_EVERYONE, hit);
  }
  if (around.first == around.last) { /* as most hits of people are */
    for (int window = 0; window < LW_WINDOWS; window++) made->windows[window] = 1;
    made->link_count = 1 + own_hit->position;
    made->is_isolated = !made->runs[LW_DRIP].has_start && !made->runs[LW_EVERYONE_DRIP].has_start;
    return;
  }
  if (!common->is_known || common->around.first != around.first || common->around.last != around.last) {
    common->around = around;
    common->is_known = 1;
    describe_surroundings(own, common);
  }
  made->excess_readers = common->excess_readers;
  made->link_count = common->link_count ? common->link_count : 1 + own_hit->position;
  made->has_single_link = common->has_single_link;
  count_windows(own, hit, common->reach, made);
  if (!own_hit->is_head) {
    int64_t pause = reach->sweep_pause, far = reach->run_reach;
    if (message->knows_links) made->runs[LW_EVERYONE_RUN] = find_run(own, &own->followed, BY_EVERYONE, hit, pause, far);
    made->runs[LW_RUN] = find_run(own, &own->followed_by_source, BY_SOURCE, hit, pause, far);
    if (own_hit->has_agent)
      made->runs[LW_AGENT_RUN] = find_run(own, &own->followed_by_agent, BY_AGENT, hit, reach->scatter_pause, far);
  }
  if (!made->excess_readers) made->echo_gap = find_echo(own, hit, around);
  look_beside(own, hit, made);
}

static void prepare(extraction *own, int32_t *workspace) {
  const lw_message *message = own->message;
  size_t n = message->hit_count;
  own->everyone = split(message, BY_EVERYONE, 0, &workspace);
  own->by_source = split(message, BY_SOURCE, 0, &workspace);
  own->by_agent = split(message, BY_AGENT, 0, &workspace);
  int with_head = 0;
  for (size_t i = 0; i < n; i++) with_head |= message->hits[i].is_head;
  own->followed = with_head ? split(message, BY_EVERYONE, 1, &workspace) : own->everyone;
  own->followed_by_source = with_head ? split(message, BY_SOURCE, 1, &workspace) : own->by_source;
  own->followed_by_agent = with_head ? split(message, BY_AGENT, 1, &workspace) : own->by_agent;
  own->everyone_windows = take(&workspace, n * LW_WINDOWS);
  own->source_windows = take(&workspace, n * LW_WINDOWS);
  own->agent_windows = take(&workspace, n * LW_WINDOWS);
  own->link_counts = take(&workspace, n);
  own->window_links = take(&workspace, n);
  own->window_ends = take(&workspace, n);
  own->densest = take(&workspace, n);
  own->link_marks = take(&workspace, n);
  own->source_marks = take(&workspace, n);
  memset(own->link_counts, 0, sizeof(int32_t) * n);
  memset(own->link_marks, 0, sizeof(int32_t) * n);
  memset(own->source_marks, 0, sizeof(int32_t) * n);
}

void lw_extract_features(const lw_message *message, const lw_reach *reach, int32_t *workspace, lw_features *features) {
  const lw_hit *hits = message->hits;
  int32_t n = (int32_t)message->hit_count, first = 0, end = 0, found_windows = 0;
  extraction own = {.message = message, .reach = reach};
  surroundings common = {0};
  memset(features, 0, sizeof(lw_features) * message->hit_count);
  if (n > 1) prepare(&own, workspace);
  for (int32_t i = 0; i < n; i++) {
    while (hits[first].at < hits[i].at - reach->run_reach) first++;
    while (end < n && hits[end].at <= hits[i].at + reach->run_reach) end++;
    span around = {first, end - 1}; /* of a flood only the nearest */
    if (around.first < i - reach->max_neighbours) around.first = i - reach->max_neighbours;
    if (around.last > i + reach->max_neighbours) around.last = i + reach->max_neighbours;
    if (around.first != around.last && !found_windows) {
      find_windows(&own, &own.everyone, own.everyone_windows);
      find_windows(&own, &own.by_source, own.source_windows);
      find_windows(&own, &own.by_agent, own.agent_windows);
      found_windows = 1;
    }
    describe_hit(&own, i, around, &common, &features[i]);
  }
}

/* Where a value is among bounds, each of which is a place of its own. */
static uint8_t place_among(double value, const double *bounds, int32_t n) {
  uint8_t place = 0;
  for (int32_t i = 0; i < n; i++) place += (uint8_t)((value >= bounds[i]) + (value > bounds[i]));
  return place;
}

void lw_describe_context(const lw_message *message, size_t hit, const lw_features *features,
                         const lw_rule_bounds *bounds, lw_context *context) {
  const lw_run *own = &features->runs[LW_RUN];
  memset(context, 0, sizeof *context);
  for (int i = 0; i < LW_RUNS; i++) {
    const lw_run *run = &features->runs[i];
    context->runs[i].links = run->links;
    context->runs[i].source_count = run->source_count;
    context->runs[i].repeats = run->repeats;
    context->runs[i].longest_pause = place_among(run->longest_pause, bounds->pauses, bounds->pause_count);
    context->runs[i].shortest_pause = place_among(run->shortest_pause, bounds->pauses, bounds->pause_count);
    context->runs[i].pace_variation = place_among(run->pace_variation, bounds->variations, bounds->variation_count);
    context->runs[i].ascending = run->ascending;
  }
  memcpy(context->windows, features->windows, sizeof context->windows);
  context->excess_readers = features->excess_readers;
  context->link_count = features->link_count;
  context->age = UINT8_MAX;
  if (message->is_delivered) {
    int64_t began = own->has_start ? own->started_at : message->hits[hit].at;
    context->age = place_among((double)(began - message->delivered_at) / SECOND_US, bounds->ages, bounds->age_count);
  }
  context->echo = features->echo_gap < 0 ? 0 : features->echo_gap <= bounds->click_check ? 1 : 2;
  context->has_single_link = features->has_single_link;
  context->is_isolated = features->is_isolated;
  context->preceded_by_head = features->preceded_by_head;
  context->hit_honeypot = features->hit_honeypot;
  context->repeated = features->repeated;
  context->has_neighbours = message->hit_count > 1;
}
