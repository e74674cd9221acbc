// What the sketch needs of Arduino, on a computer: prints to standard output.
#include <chrono>
#include <cstdint>
#include <iostream>

struct Printer {
    void begin(unsigned long) {}
    template <typename T> void print(const T &value) { std::cout << value; }
    template <typename T> void println(const T &value) { std::cout << value << std::endl; }
};

static Printer Serial;

inline unsigned long micros()
{
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<unsigned long>(
        std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

inline void delay(unsigned long) {}
