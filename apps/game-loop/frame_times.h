/* How long frames took, and what their distribution looks like. */
#ifndef FRAME_TIMES_H
#define FRAME_TIMES_H

#include <stddef.h>

typedef struct {
    double* values; /* milliseconds */
    size_t count, capacity;
} frame_times;

typedef struct {
    double p50, p95, p99, max; /* 0 where there are no frames */
    size_t count, late;        /* late: over 1/60 s */
} frame_distribution;

/* 0 if there is no memory. */
int frame_times_add(frame_times* times, double milliseconds);
frame_distribution frame_times_distribution(const frame_times* times);
void frame_times_free(frame_times* times);

#endif
