/* A library of a version that the Lua module does not accept. */
#include <stdint.h>

uint32_t fp4_version(void);

uint32_t fp4_version(void) {
    return 9;
}
