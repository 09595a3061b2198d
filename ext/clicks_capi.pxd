from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from "hit_features.h" nogil:
    enum:
        LW_WINDOWS
        LW_MAX_NEIGHBOURS
        LW_NO_AGENT
        LW_MAX_AGE_BOUNDS
        LW_MAX_RUN_BOUNDS
        LW_RUN
        LW_AGENT_RUN
        LW_EVERYONE_RUN
        LW_DRIP
        LW_EVERYONE_DRIP
    ctypedef struct lw_hit:
        int64_t at
        int32_t position, link, source, agent, reader, client, device, strangeness
        uint8_t is_head, is_get, has_agent
    ctypedef struct lw_trap:
        int64_t at
        int32_t client
    ctypedef struct lw_run:
        int64_t started_at
        double duration, longest_pause, shortest_pause, pace_variation
        int32_t links, source_count, repeats
        uint8_t has_start, ascending
    ctypedef struct lw_features:
        int64_t echo_gap
        lw_run runs[5]
        int32_t windows[4]
        int32_t excess_readers, link_count
        uint8_t has_single_link, is_isolated, preceded_by_head, hit_honeypot, repeated
    ctypedef struct lw_rule_bounds:
        double ages[8]
        double pauses[4]
        double variations[4]
        int32_t age_count, pause_count, variation_count
        int64_t click_check
    ctypedef struct lw_context:
        uint8_t has_neighbours
    ctypedef struct lw_reach:
        int64_t run_reach, drip_reach, echo_reach, single_link_reach
        int64_t sweep_pause, scatter_pause, drip_pause
        int64_t head_gap, double_click_gap, second
        int64_t step
        int64_t window_steps[4]
        double reader_density_factor
        int32_t max_neighbours, min_drip_hits
    ctypedef struct lw_message:
        const lw_hit *hits
        size_t hit_count
        const lw_trap *traps
        size_t trap_count
        int64_t delivered_at
        uint8_t is_delivered, knows_links
    size_t lw_features_workspace(size_t hit_count) noexcept
    void lw_extract_features(const lw_message *message, const lw_reach *reach, int32_t *workspace,
                             lw_features *features) noexcept
    void lw_describe_context(const lw_message *message, size_t hit, const lw_features *features,
                             const lw_rule_bounds *bounds, lw_context *context) noexcept
