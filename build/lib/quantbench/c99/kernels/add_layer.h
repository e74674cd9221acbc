/* zero + round(((a - a_zero) a_m + (b - b_zero) b_m) 2**-s). Multipliers are taken apart into 15
   bits and the rest, and what else is added is in low and high, so that 32 bits hold all sums and
   none is below 0; `offset` takes away what that needed. Compilers vectorize it. */
typedef struct {
    int32_t count, offset;
    uint32_t a_low, a_high, b_low, b_high, low, high;
    uint8_t shift, q_min, q_max;
} model_add_layer;
