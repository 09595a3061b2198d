/* main.c: runs the check that the first argument names; without one, lists the names. */
#include <string.h>

#include "check.h"
#include "test_list.h"
#include "tokenizer_helpers.h"

static const struct {
  const char *name;
  void (*run)(void);
} CHECKS[] = {
    {"fast_scan_variants_agree", fast_scan_variants_agree},
    {"skips_stop_in_text", skips_stop_in_text},
    {"skips_read_every_short_tag", skips_read_every_short_tag},
    {"every_split_finds_the_same", every_split_finds_the_same},
    {"small_arrays_find_the_same", small_arrays_find_the_same},
    {"scanning_stays_off_the_guard_pages", scanning_stays_off_the_guard_pages},
    {"tags_cut_at_the_guard_page_are_read_no_further", tags_cut_at_the_guard_page_are_read_no_further},
    {"a_zeroed_scan_is_valid", a_zeroed_scan_is_valid},
    {"found_bugs_stay_fixed", found_bugs_stay_fixed},
    {"classifying_stays_in_its_scratch", classifying_stays_in_its_scratch},
    {"decoding_stays_in_its_bound", decoding_stays_in_its_bound},
    {"values_stay_off_the_guard_pages", values_stay_off_the_guard_pages},
    {"compressing_round_trips", compressing_round_trips},
    {"random_bytes_are_refused_or_canonical", random_bytes_are_refused_or_canonical},
    {"compressing_stays_off_the_guard_pages", compressing_stays_off_the_guard_pages},
    {"base64url_has_one_text", base64url_has_one_text},
    {"quoted_printable_is_spliced_as_its_text", quoted_printable_is_spliced_as_its_text},
    {"base64_is_read_alike_by_every_variant", base64_is_read_alike_by_every_variant},
    {"base64_is_written_alike_by_every_variant", base64_is_written_alike_by_every_variant},
    {"every_byte_is_of_the_alphabet_or_not", every_byte_is_of_the_alphabet_or_not},
    {"a_needle_is_found_where_it_first_stands", a_needle_is_found_where_it_first_stands},
    {"a_delta_gives_its_text_back", a_delta_gives_its_text_back},
    {"a_damaged_delta_stays_in_its_bounds", a_damaged_delta_stays_in_its_bounds},
    {"encodings_stay_off_the_guard_pages", encodings_stay_off_the_guard_pages},
    {"headers_stay_off_the_guard_pages", headers_stay_off_the_guard_pages},
    {"a_queue_keeps_all_of_every_thread", a_queue_keeps_all_of_every_thread},
    {"a_queue_has_bounds", a_queue_has_bounds},
    {"a_queue_reports_what_it_cannot_do", a_queue_reports_what_it_cannot_do},
    {"plain_heads_are_read_whole_or_not_at_all", plain_heads_are_read_whole_or_not_at_all},
    {"heads_that_are_not_plain_are_left_alone", heads_that_are_not_plain_are_left_alone},
    {"rows_stay_off_the_guard_pages", rows_stay_off_the_guard_pages},
    {"contradictions_are_refused", contradictions_are_refused},
    {"prefixes_fit_their_room", prefixes_fit_their_room},
};

int main(int argc, char **argv) {
  for (size_t i = 0; i < sizeof CHECKS / sizeof *CHECKS; i++) {
    if (argc < 2) puts(CHECKS[i].name);
    if (argc < 2 || strcmp(argv[1], CHECKS[i].name) != 0) continue;
    CHECKS[i].run();
    return 0;
  }
  return argc < 2 ? 0 : 2;
}
