/* A lighthouse keeper by the sea at night, drawn by the processor. */
#ifndef SCENE_H
#define SCENE_H

#include "font.h"

typedef struct {
    double seconds; /* since the start */
    int speaks;     /* the mouth moves */
    const char* question;
    const char* answer;
} scene_state;

void scene_draw(picture* target, const scene_state* state);

#endif
