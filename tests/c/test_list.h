/* test_list.h: the tests of the C program; main.c has the table. Each aborts when it does not hold. */
#ifndef LW_TEST_LIST_H
#define LW_TEST_LIST_H

/* test_tokenizer.c */
void fast_scan_variants_agree(void);
void skips_stop_in_text(void);
void skips_read_every_short_tag(void);
void every_split_finds_the_same(void);
void small_arrays_find_the_same(void);
void scanning_stays_off_the_guard_pages(void);
void tags_cut_at_the_guard_page_are_read_no_further(void);
void a_zeroed_scan_is_valid(void);
void found_bugs_stay_fixed(void);

/* test_destination_class.c */
void classifying_stays_in_its_scratch(void);
void decoding_stays_in_its_bound(void);
void values_stay_off_the_guard_pages(void);

/* test_url_codec.c */
void compressing_round_trips(void);
void random_bytes_are_refused_or_canonical(void);
void compressing_stays_off_the_guard_pages(void);
void base64url_has_one_text(void);

/* test_transfer_encodings.c */
void quoted_printable_is_spliced_as_its_text(void);
void base64_is_read_alike_by_every_variant(void);
void base64_is_written_alike_by_every_variant(void);
void every_byte_is_of_the_alphabet_or_not(void);
void a_needle_is_found_where_it_first_stands(void);
void encodings_stay_off_the_guard_pages(void);
void headers_stay_off_the_guard_pages(void);

/* test_delta.c */
void a_delta_gives_its_text_back(void);
void a_damaged_delta_stays_in_its_bounds(void);

/* test_commit_queue.c */
void a_queue_keeps_all_of_every_thread(void);
void a_queue_has_bounds(void);
void a_queue_reports_what_it_cannot_do(void);

/* test_request_head.c */
void plain_heads_are_read_whole_or_not_at_all(void);
void heads_that_are_not_plain_are_left_alone(void);

/* test_rewrite_rows.c */
void rows_stay_off_the_guard_pages(void);
void contradictions_are_refused(void);
void prefixes_fit_their_room(void);

#endif
