/* Text in a picture: the printable characters of ASCII, 5 x 7 points in cells of 6 x 9. */
#ifndef FONT_H
#define FONT_H

#include <stdint.h>

typedef struct {
    uint32_t* pixels; /* [height, width], 0xRRGGBB */
    int width, height;
} picture;

enum { font_width = 6, font_height = 9 };

/* Draws text (UTF-8; other characters as a box) wrapped at words into columns, and of its lines the last
 * rows. */
void font_draw(picture* target, int x, int y, int columns, int rows, uint32_t colour, const char* text);

#endif
