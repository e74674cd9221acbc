/* Bytes are read and written as integers of 32 bits. */
#define MODEL_BYTE(at) ((int32_t)*(const uint8_t *)(at))
#define MODEL_SET_BYTE(at, byte) (*(uint8_t *)(at) = (uint8_t)(byte))
