/* The compiler's layout of every public struct is the one ABI 0 froze. */
#include <fp4.h>

#if UINTPTR_MAX == UINT64_MAX
#define FP4_STRUCT(name, bytes) _Static_assert(sizeof(name) == (bytes), #name " changed its size");
#define FP4_FIELD(name, field, offset, bytes)                                     \
    _Static_assert(offsetof(name, field) == (offset), #name "." #field " moved"); \
    _Static_assert(sizeof(((name*)0)->field) == (bytes), #name "." #field " changed its size");
#include "layout.inc"
#endif

_Static_assert(FP4_ABI == 0, "a new ABI needs new numbers in layout.inc");

int main(void) {
    return fp4_version() == FP4_VERSION ? 0 : 1;
}
