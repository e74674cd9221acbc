/* The first address from `memory` on at which a register of 64 bytes is loaded fastest. */
static inline uint8_t *model_aligned(uint8_t *memory)
{
    return memory + (-(uintptr_t)memory & 63);
}
