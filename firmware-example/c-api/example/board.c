#include "board.h"

/* From the linker script. */
extern uint32_t stack_top;

/* SysTick: control, reload, current value. */
static volatile uint32_t *const systick = (volatile uint32_t *)0xE000E010;

/* Semihosting: 0x04 writes a text, 0x18 ends the program. */
static void host(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void end(const char *text, int success) {
    host(0x04, text);
    host(0x18, (const void *)(uintptr_t)(success ? 0x20026 : 0x20023));
    for (;;) {}
}

void print(const char *before, uint32_t number, const char *after) {
    char digits[11], *first = digits + 10;
    *first = 0;
    do *--first = (char)('0' + number % 10);
    while (number /= 10);
    host(0x04, before);
    host(0x04, first);
    host(0x04, after);
}

uint32_t now(void) { return systick[2]; }

uint32_t instructions_since(uint32_t moment) { return ((moment - now()) & 0xFFFFFF) * 40; }

static void fault(void) { end("C: a fault\n", 0); }

/* Where the linker script says that the program begins. */
void start(void);

void start(void) {
    /* The vector unit of the Cortex-M4F, which Rust's hard-float target may use. */
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    systick[1] = 0xFFFFFF;
    systick[2] = 0;
    systick[0] = 5;
    program();
    end("C: the program came back\n", 0);
}

__attribute__((section(".vectors"), used)) static const struct {
    const void *stack;
    void (*handlers[15])(void);
} vectors = {&stack_top, {start, fault, fault, fault, fault, fault}};
