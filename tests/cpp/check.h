// The smallest of test harnesses: counts failed checks and says where they were.
#ifndef BRAINVAR_TESTS_CHECK_H_
#define BRAINVAR_TESTS_CHECK_H_

#include <cstdio>
#include <string>

namespace brainvar::test {

inline int failures = 0;
inline int checks = 0;

inline void Check(bool good, const char* what, const std::string& where) {
  ++checks;
  if (good) return;
  ++failures;
  std::fprintf(stderr, "failed: %s (%s)\n", what, where.c_str());
}

// The exit status of a test program that ran at least one check.
inline int Report(const char* name) {
  std::printf("%s: %d checks, %d failed\n", name, checks, failures);
  return failures == 0 && checks > 0 ? 0 : 1;
}

}  // namespace brainvar::test

#define CHECK(condition, where) ::brainvar::test::Check((condition), #condition, (where))

#endif  // BRAINVAR_TESTS_CHECK_H_
