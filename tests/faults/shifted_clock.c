/* Loaded before the C library (LD_PRELOAD): the wall clock shows CLOCK_OFFSET_SECONDS more than it is, or less. The
 * steady clocks, by which processes sleep and wait, stay as they are. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t offset(void) {
    const char *text = getenv("CLOCK_OFFSET_SECONDS");
    return text ? (time_t)strtol(text, NULL, 10) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    long result = syscall(SYS_clock_gettime, clock, at);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += offset();
    return (int)result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    long result = syscall(SYS_gettimeofday, at, zone);
    if (result == 0)
        at->tv_sec += offset();
    return (int)result;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
