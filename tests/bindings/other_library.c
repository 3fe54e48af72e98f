/* A library that is not libfp4. */
int fp4_of_another_kind(void);

int fp4_of_another_kind(void) {
    return 9;
}
