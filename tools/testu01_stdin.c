// Runs a battery of TestU01 on the 32-bit words that come from standard input.
//
//   testu01_stdin smallcrush|crush|bigcrush|rabbit|alphabit [LOG2_BITS] [reversed]
//
// LOG2_BITS is how much rabbit and alphabit read. `reversed` turns the bits of each word around:
// the other batteries look at the upper bits first.
//
//   cc -O2 testu01_stdin.c -ltestu01 -ltestu01probdist -ltestu01mylib -lm -o testu01_stdin

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Debian has the headers in a folder of their own; the build from source has not.
#if __has_include(<testu01/bbattery.h>)
#include <testu01/bbattery.h>
#include <testu01/unif01.h>
#else
#include <bbattery.h>
#include <unif01.h>
#endif

enum { kWords = 1 << 16 };

static uint32_t buffer[kWords];
static size_t filled = 0;
static size_t next = 0;
static unsigned long long used = 0;
static int reversed = 0;

static uint32_t Reverse(uint32_t x) {
  x = (x >> 1 & 0x55555555u) | (x & 0x55555555u) << 1;
  x = (x >> 2 & 0x33333333u) | (x & 0x33333333u) << 2;
  x = (x >> 4 & 0x0f0f0f0fu) | (x & 0x0f0f0f0fu) << 4;
  x = (x >> 8 & 0x00ff00ffu) | (x & 0x00ff00ffu) << 8;
  return x >> 16 | x << 16;
}

static unsigned int NextWord(void) {
  if (next == filled) {
    filled = fread(buffer, sizeof(buffer[0]), kWords, stdin);
    next = 0;
    if (filled == 0) {
      fputs("testu01_stdin: the input ended\n", stderr);
      exit(2);
    }
  }
  const uint32_t word = buffer[next++];
  ++used;
  return reversed ? Reverse(word) : word;
}

int main(int argc, char** argv) {
  const char* battery = argc > 1 ? argv[1] : "";
  const int log2_bits = argc > 2 ? atoi(argv[2]) : 30;
  reversed = argc > 3 && strcmp(argv[3], "reversed") == 0;

  unif01_Gen* words = unif01_CreateExternGenBits("words from standard input", NextWord);
  if (strcmp(battery, "smallcrush") == 0) {
    bbattery_SmallCrush(words);
  } else if (strcmp(battery, "crush") == 0) {
    bbattery_Crush(words);
  } else if (strcmp(battery, "bigcrush") == 0) {
    bbattery_BigCrush(words);
  } else if (strcmp(battery, "rabbit") == 0) {
    bbattery_Rabbit(words, pow(2, log2_bits));
  } else if (strcmp(battery, "alphabit") == 0) {
    bbattery_Alphabit(words, pow(2, log2_bits), 0, 32);
  } else {
    fputs("usage: testu01_stdin smallcrush|crush|bigcrush|rabbit|alphabit [LOG2_BITS] [reversed]\n",
          stderr);
    return 2;
  }
  unif01_DeleteExternGenBits(words);

  // For whoever runs it: every p-value, and how much was read.
  for (int i = 0; i < bbattery_NTests; ++i) {
    const double p = bbattery_pVal[i];
    if (p >= 0.0 && p <= 1.0) {
      printf("p-value %.17g %s\n", p, bbattery_TestNames[i]);
    }
  }
  printf("words read %llu\n", used);
  return 0;
}
