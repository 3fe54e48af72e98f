#include "scene.h"

#include <math.h>

static uint32_t mix(uint32_t a, uint32_t b, double part) {
    uint32_t result = 0;
    int shift;
    if (part <= 0) return a;
    if (part >= 1) return b;
    for (shift = 0; shift < 24; shift += 8) {
        double from = a >> shift & 255, to = b >> shift & 255;
        result |= (uint32_t)(from + (to - from) * part) << shift;
    }
    return result;
}

static void fill(picture* target, int x, int y, int width, int height, uint32_t colour, double part) {
    int i, j;
    for (j = y < 0 ? 0 : y; j < y + height && j < target->height; ++j) {
        for (i = x < 0 ? 0 : x; i < x + width && i < target->width; ++i) {
            uint32_t* pixel = target->pixels + j * target->width + i;
            *pixel = mix(*pixel, colour, part);
        }
    }
}

static void disc(picture* target, double x, double y, double radius, uint32_t colour) {
    int i, j;
    for (j = (int)(y - radius) - 1; j <= (int)(y + radius) + 1; ++j) {
        for (i = (int)(x - radius) - 1; i <= (int)(x + radius) + 1; ++i) {
            double distance = hypot(i - x, j - y);
            if (i < 0 || j < 0 || i >= target->width || j >= target->height) continue;
            target->pixels[j * target->width + i] =
                mix(target->pixels[j * target->width + i], colour, radius + 0.5 - distance);
        }
    }
}

static void draw_sky_and_sea(picture* target, double seconds, int horizon) {
    const double moon_x = target->width * 0.78, moon_y = target->height * 0.16;
    int x, y;
    for (y = 0; y < target->height; ++y) {
        uint32_t* row = target->pixels + y * target->width;
        if (y < horizon) {
            uint32_t colour = mix(0x0b1026, 0x2b3a67, (double)y / horizon);
            for (x = 0; x < target->width; ++x) row[x] = colour;
        } else {
            double depth = 40.0 / (y - horizon + 4);
            uint32_t colour = mix(0x24355c, 0x0a1730, (double)(y - horizon) / (target->height - horizon));
            for (x = 0; x < target->width; ++x) {
                double wave =
                    sin(x * 0.06 * depth + seconds * 1.3 + y * 0.9) * sin(y * depth * 1.7 - seconds * 2);
                double glitter = exp(-fabs(x - moon_x) / (14 + (y - horizon) * 0.5));
                row[x] = mix(colour, 0xcfd8ee, wave > 0.25 ? 0.05 + 0.4 * glitter * wave : 0);
            }
        }
    }
    for (x = 0; x < 60; ++x) {
        unsigned hash = (unsigned)x * 2654435761u;
        int star_x = (int)(hash >> 8 & 0xFFFF) % target->width, star_y = (int)(hash >> 20) % (horizon - 10);
        double light = 0.35 + 0.3 * sin(seconds * (1 + x % 3) + x);
        fill(target, star_x, star_y, 1, 1, 0xffffff, light);
    }
    disc(target, moon_x, moon_y, 15, 0xf2e9cf);
    disc(target, moon_x - 6, moon_y - 3, 13, mix(0x0b1026, 0x2b3a67, moon_y / horizon));
}

static void draw_lighthouse(picture* target, double seconds, int ground) {
    const int x = target->width / 5, top = target->height / 6;
    const double turn = sin(seconds * 0.7), lamp = top + 4.0;
    int i, j;
    for (j = 0; j < ground; ++j) { /* the beam */
        for (i = x + 8; i < target->width; ++i) {
            double along = (i - x) / (double)target->width;
            double away = fabs(j - lamp - (i - x) * 0.35 * turn) / (4 + (i - x) * 0.12);
            if (away < 1) {
                uint32_t* pixel = target->pixels + j * target->width + i;
                *pixel = mix(*pixel, 0xffe9a8, (1 - away) * 0.28 * (1 - along));
            }
        }
    }
    for (j = top + 12; j < ground + 6; ++j) {
        int half = 9 + (j - top) * 8 / (ground - top);
        fill(target, x - half, j, 2 * half, 1, (j - top) / 24 % 2 ? 0xb8433f : 0xd9d3c7, 1);
        fill(target, x + half / 3, j, half - half / 3, 1, 0x101528, 0.25);
    }
    fill(target, x - 11, top + 10, 22, 3, 0x2a2f45, 1);
    fill(target, x - 7, top - 2, 14, 12, 0xffe08a, 1);
    fill(target, x - 9, top - 6, 18, 4, 0x7d2f2d, 1);
}

static void draw_keeper(picture* target, const scene_state* state, int ground) {
    const double x = target->width * 0.5, bob = sin(state->seconds * 1.8) * 1.2;
    const double open = state->speaks ? 1.2 + fabs(sin(state->seconds * 13)) * 2.6 : 0.8;
    int j;
    for (j = 0; j < 58; ++j) { /* the coat */
        int half = 10 + j * 14 / 58;
        fill(target, (int)x - half, ground - 50 + j + (int)bob, 2 * half, 1, 0xc79a2e, 1);
        fill(target, (int)x + half / 2, ground - 50 + j + (int)bob, half - half / 2, 1, 0x8a671b, 0.6);
    }
    disc(target, x, ground - 64 + bob, 17, 0xe6bd98);
    disc(target, x, ground - 54 + bob, 12, 0xe8e4dc); /* beard */
    disc(target, x, ground - 66 + bob, 12, 0xe6bd98);
    fill(target, (int)x - 20, ground - 78 + (int)bob, 40, 4, 0x8a671b, 1);
    disc(target, x, ground - 80 + bob, 13, 0xc79a2e);
    fill(target, (int)x - 20, ground - 78 + (int)bob, 40, 4, 0x8a671b, 1);
    disc(target, x - 6, ground - 68 + bob, 1.6, 0x20202a);
    disc(target, x + 6, ground - 68 + bob, 1.6, 0x20202a);
    disc(target, x, ground - 57 + bob, open, 0x6b2a2a);
}

static void draw_words(picture* target, const scene_state* state) {
    const int margin = 10, rows = 6;
    const int height = (rows + 1) * font_height + 18, width = target->width - 2 * margin;
    const int x = margin, y = target->height - height - margin;
    const int columns = (width - 16) / font_width;
    fill(target, x, y, width, height, 0x0a0c18, 0.82);
    fill(target, x, y, width, 1, 0x8a94b8, 0.6);
    font_draw(target, x + 8, y + 7, columns, 1, 0x9fc3f0, state->question);
    font_draw(target, x + 8, y + 11 + font_height, columns, rows, 0xece6d8, state->answer);
}

void scene_draw(picture* target, const scene_state* state) {
    const int horizon = target->height * 2 / 5, ground = target->height * 13 / 20;
    int x;
    draw_sky_and_sea(target, state->seconds, horizon);
    draw_lighthouse(target, state->seconds, ground);
    for (x = 0; x < target->width; ++x) { /* the rocks */
        int top = ground - 4 - (int)(9 * sin(x * 0.013 + 0.6) + 3 * sin(x * 0.11));
        fill(target, x, top, 1, target->height - top, 0x1a1d2b, 1);
        fill(target, x, top, 1, 2, 0x3a4058, 0.8);
    }
    draw_keeper(target, state, ground);
    draw_words(target, state);
}
