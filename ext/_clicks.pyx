# cython: boundscheck=False, wraparound=False
"""What surrounds each hit of a message, by ext/clicks. tests/reference/hit_features.py defines what is right.

Knows hits by their attributes (linkweir.clicks.classify.Hit) and numbers what they have in common. Refuses to weigh.
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int32_t, int64_t
from clicks_capi cimport (
    LW_AGENT_RUN,
    LW_DRIP,
    LW_EVERYONE_DRIP,
    LW_EVERYONE_RUN,
    LW_MAX_AGE_BOUNDS,
    LW_MAX_NEIGHBOURS,
    LW_MAX_RUN_BOUNDS,
    LW_NO_AGENT,
    LW_RUN,
    LW_WINDOWS,
    lw_context,
    lw_describe_context,
    lw_extract_features,
    lw_features,
    lw_features_workspace,
    lw_hit,
    lw_message,
    lw_reach,
    lw_rule_bounds,
    lw_run,
    lw_trap,
)

cdef int32_t MAX_POSITION = 1 << 30  # a larger one is taken for this


@cython.final
cdef class FeatureReach:
    """How far hits say something of each other, in microseconds. `windows`: lengths of the four windows, in steps."""
    cdef lw_reach reach

    def __init__(self, *, int64_t run_reach, int64_t drip_reach, int64_t echo_reach, int64_t single_link_reach,
                 int64_t sweep_pause, int64_t scatter_pause, int64_t drip_pause, int64_t head_gap,
                 int64_t double_click_gap, int64_t second, int64_t step, tuple windows not None,
                 double reader_density_factor, int32_t max_neighbours, int32_t min_drip_hits):
        if len(windows) != LW_WINDOWS or not 0 < max_neighbours <= LW_MAX_NEIGHBOURS:
            raise ValueError(f"there are {LW_WINDOWS} windows, and 1 to {LW_MAX_NEIGHBOURS} neighbours")
        self.reach.run_reach, self.reach.drip_reach = run_reach, drip_reach
        self.reach.echo_reach, self.reach.single_link_reach = echo_reach, single_link_reach
        self.reach.sweep_pause, self.reach.scatter_pause = sweep_pause, scatter_pause
        self.reach.drip_pause, self.reach.head_gap = drip_pause, head_gap
        self.reach.double_click_gap, self.reach.second, self.reach.step = double_click_gap, second, step
        self.reach.reader_density_factor = reader_density_factor
        self.reach.max_neighbours, self.reach.min_drip_hits = max_neighbours, min_drip_hits
        cdef int i
        for i in range(LW_WINDOWS):
            self.reach.window_steps[i] = windows[i]

@cython.final
cdef class RuleBounds:
    """What rules compare features with: seconds since delivery, pauses and variations of runs, and the longest time of
    a click check, in microseconds.
    """
    cdef lw_rule_bounds bounds

    def __init__(self, *, tuple ages not None, tuple pauses not None, tuple variations not None, int64_t click_check):
        if len(ages) > LW_MAX_AGE_BOUNDS or max(len(pauses), len(variations)) > LW_MAX_RUN_BOUNDS:
            raise ValueError(f"at most {LW_MAX_AGE_BOUNDS} bounds of ages, and {LW_MAX_RUN_BOUNDS} of others")
        self.bounds.age_count, self.bounds.pause_count = <int32_t>len(ages), <int32_t>len(pauses)
        self.bounds.variation_count, self.bounds.click_check = <int32_t>len(variations), click_check
        cdef int i
        for i in range(self.bounds.age_count):
            self.bounds.ages[i] = ages[i]
        for i in range(self.bounds.pause_count):
            self.bounds.pauses[i] = pauses[i]
        for i in range(self.bounds.variation_count):
            self.bounds.variations[i] = variations[i]


cdef int32_t number_of(dict numbers, object key) except -1:
    """The number of what may have come before; the next one for what is new."""
    cdef object known = numbers.get(key)
    if known is None:
        known = numbers[key] = len(numbers)
    return known


@cython.final
cdef class HitContexts:
    """The clicks of one message, in order of time, each with its features.

    `sources` and `strangeness` have one item for each click; `traps` are the hits on hidden links. `delivered_at`: when
    the mail was delivered, or None; `knows_links`: whether it is known how many links it has.
    """
    cdef lw_hit *_hits
    cdef lw_trap *_traps
    cdef lw_features *_features
    cdef lw_message _message

    def __cinit__(self, FeatureReach reach not None, list clicks not None, list sources not None,
                  list strangeness not None, list traps not None, delivered_at, bint knows_links):
        cdef size_t n = <size_t>len(clicks)
        cdef int32_t *workspace
        if not len(clicks) == len(sources) == len(strangeness) or len(clicks) > MAX_POSITION:
            raise ValueError("clicks, sources and strangeness must be as long as each other")
        self._hits = <lw_hit *>PyMem_Malloc(max(n, 1) * sizeof(lw_hit))
        self._traps = <lw_trap *>PyMem_Malloc(max(<size_t>len(traps), 1) * sizeof(lw_trap))
        self._features = <lw_features *>PyMem_Malloc(max(n, 1) * sizeof(lw_features))
        if self._hits is NULL or self._traps is NULL or self._features is NULL:
            raise MemoryError
        self._message.hits, self._message.hit_count = self._hits, n
        self._message.traps, self._message.trap_count = self._traps, <size_t>len(traps)
        self._message.is_delivered, self._message.knows_links = delivered_at is not None, knows_links
        self._message.delivered_at = 0 if delivered_at is None else delivered_at
        self._fill(clicks, sources, strangeness, traps)
        workspace = <int32_t *>PyMem_Malloc((lw_features_workspace(n) if n > 1 else 1) * sizeof(int32_t))
        if workspace is NULL:
            raise MemoryError
        lw_extract_features(&self._message, &reach.reach, workspace, self._features)
        PyMem_Free(workspace)

    def __dealloc__(self):
        PyMem_Free(self._hits)
        PyMem_Free(self._traps)
        PyMem_Free(self._features)

    cdef int _fill(self, list clicks, list sources, list strangeness, list traps) except -1:
        cdef dict links = {}, networks = {}, agents = {}, readers = {}, clients = {}, devices = {}
        cdef Py_ssize_t i
        cdef lw_hit *hit
        cdef object click, ip, agent, method, position
        cdef int64_t before = 0
        for i in range(len(clicks)):
            click, hit = clicks[i], &self._hits[i]
            ip, agent, method, position = click.ip, click.user_agent, click.method, click.position
            hit.at = click.at
            if i and hit.at < before:
                raise ValueError("clicks must be in order of time")
            before = hit.at
            hit.position = <int32_t>min(max(position, 0), MAX_POSITION)
            hit.strangeness = strangeness[i]
            hit.is_head, hit.is_get, hit.has_agent = method == "HEAD", method == "GET", bool(agent)
            if len(clicks) == 1:  # one by itself is compared with nothing but traps
                hit.link = hit.source = hit.reader = hit.device = 0
                hit.agent = LW_NO_AGENT if agent is None else 0
            else:
                hit.link = number_of(links, position)
                hit.source = number_of(networks, sources[i])
                hit.agent = LW_NO_AGENT if agent is None else number_of(agents, agent)
                hit.reader = number_of(readers, ip or (i,))
                hit.device = number_of(devices, click.device)
            hit.client = -1
            if traps and ip is not None:
                hit.client = number_of(clients, (ip, agent))
        for i in range(len(traps)):
            click = traps[i]
            self._traps[i].at = click.at
            self._traps[i].client = -1 if click.ip is None else number_of(clients, (click.ip, click.user_agent))
        return 0

    def key(self, Py_ssize_t index, RuleBounds bounds not None):
        """What rules see of what surrounds a click, as bytes: clicks with equal ones are alike to them."""
        cdef lw_context context
        self._check(index)
        lw_describe_context(&self._message, <size_t>index, &self._features[index], &bounds.bounds, &context)
        return PyBytes_FromStringAndSize(<char *>&context, sizeof(lw_context))

    def features(self, Py_ssize_t index):
        """What surrounds a click, by the names of HitFeatures; each run as the values of ClickRun, or None for that of
        one hit alone.
        """
        self._check(index)
        cdef lw_features *values = &self._features[index]
        return {
            "links_in_window": tuple([values.windows[i] for i in range(LW_WINDOWS)]),
            "run": run_values(&values.runs[LW_RUN]),
            "user_agent_run": run_values(&values.runs[LW_AGENT_RUN]),
            "everyone_run": run_values(&values.runs[LW_EVERYONE_RUN]),
            "drip_run": run_values(&values.runs[LW_DRIP]),
            "everyone_drip_run": run_values(&values.runs[LW_EVERYONE_DRIP]),
            "excess_readers": values.excess_readers,
            "link_count": values.link_count,
            "only_link_clicked": bool(values.has_single_link),
            "is_isolated": bool(values.is_isolated),
            "echo_gap_us": None if values.echo_gap < 0 else values.echo_gap,
            "preceded_by_head": bool(values.preceded_by_head),
            "client_hit_honeypot": bool(values.hit_honeypot),
            "repeated": bool(values.repeated),
            "has_neighbours": self._message.hit_count > 1,
        }

    cdef int _check(self, Py_ssize_t index) except -1:
        if not 0 <= index < <Py_ssize_t>self._message.hit_count:
            raise IndexError(f"no click {index} among {self._message.hit_count}")
        return 0


cdef object run_values(const lw_run *run):
    if not run.has_start:
        return None
    return (run.started_at, run.links, run.duration, run.source_count, run.longest_pause, run.shortest_pause,
            run.pace_variation, bool(run.ascending), run.repeats)
