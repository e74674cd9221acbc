/* floor(value / 2**shift). To shift a negative number to the right is not defined in C99. */
static int64_t model_floor_shift(int64_t value, unsigned shift)
{
    return value < 0 ? ~(~value >> shift) : value >> shift;
}
