#include "frame_times.h"

#include <stdlib.h>
#include <string.h>

int frame_times_add(frame_times* times, double milliseconds) {
    if (times->count == times->capacity) {
        size_t capacity = times->capacity ? 2 * times->capacity : 1024;
        double* values = realloc(times->values, capacity * sizeof *values);
        if (!values) return 0;
        times->values = values;
        times->capacity = capacity;
    }
    times->values[times->count++] = milliseconds;
    return 1;
}

static int ascending(const void* a, const void* b) {
    double x = *(const double*)a, y = *(const double*)b;
    return (x > y) - (x < y);
}

/* Nearest rank: the smallest value that percent of all do not exceed. */
static double percentile(const double* sorted, size_t count, unsigned percent) {
    size_t rank = (count * percent + 99) / 100;
    return sorted[rank ? rank - 1 : 0];
}

frame_distribution frame_times_distribution(const frame_times* times) {
    frame_distribution result = {0, 0, 0, 0, 0, 0};
    size_t i;
    double* sorted = times->count ? malloc(times->count * sizeof *sorted) : NULL;
    if (!sorted) return result;
    memcpy(sorted, times->values, times->count * sizeof *sorted);
    qsort(sorted, times->count, sizeof *sorted, ascending);
    result.count = times->count;
    result.p50 = percentile(sorted, times->count, 50);
    result.p95 = percentile(sorted, times->count, 95);
    result.p99 = percentile(sorted, times->count, 99);
    result.max = sorted[times->count - 1];
    for (i = 0; i < times->count; ++i) result.late += sorted[i] > 1000.0 / 60;
    free(sorted);
    return result;
}

void frame_times_free(frame_times* times) {
    free(times->values);
    memset(times, 0, sizeof *times);
}
