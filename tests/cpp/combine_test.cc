// Element types and operations of updates: exact rounding of 16-bit floats, NaN, signed zeros,
// integers that wrap around.
#include "core/combine.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#include "check.h"

namespace brainvar {
namespace {

// The value of a 16-bit float with `digits` mantissa bits and the given exponent bias.
double Exact(uint16_t bits, int digits, int bias) {
  const int exponent = (bits & 0x7FFF) >> digits;
  const double mantissa = bits & ((1 << digits) - 1);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == (0x7FFF >> digits)) return mantissa == 0 ? sign * HUGE_VAL : std::nan("");
  if (exponent == 0) return sign * std::ldexp(mantissa, 1 - bias - digits);
  return sign * std::ldexp(std::ldexp(1.0, digits) + mantissa, exponent - bias - digits);
}

// Rounding must give `bits` for its own value, and on both sides of the middle to the next number
// the nearer one, in the middle the even one.
template <typename Half>
void TestRounding(int digits, int bias) {
  const auto infinity = static_cast<uint16_t>((0x7FFF >> digits) << digits);
  int bad = 0;
  for (uint32_t i = 0; i < 0x10000; ++i) {
    const auto bits = static_cast<uint16_t>(i);
    const double value = Exact(bits, digits, bias);
    const float loaded = Half::Load({bits});
    if (std::isnan(value)) {
      const double again = Exact(Half::Round(loaded).bits, digits, bias);
      bad += !std::isnan(loaded) || !std::isnan(again);
      continue;
    }
    bad += loaded != value || std::signbit(loaded) != std::signbit(value);
    bad += Half::Round(loaded).bits != bits;
    if ((bits & 0x7FFF) >= infinity) continue;
    const auto next = static_cast<uint16_t>(bits + 1);
    // What would be the next number if there were no largest.
    double above = Exact(next, digits, bias);
    if (std::isinf(above)) above = 2 * value - Exact(static_cast<uint16_t>(bits - 1), digits, bias);
    const auto middle = static_cast<float>((value + above) / 2);
    const auto even = (bits & 1) == 0 ? bits : next;
    bad += Half::Round(middle).bits != even;
    bad += Half::Round(std::nextafter(middle, 0.0f)).bits != bits;
    bad += Half::Round(std::nextafter(middle, middle * 4)).bits != next;
  }
  bad += Half::Round(std::numeric_limits<float>::max()).bits != infinity;
  bad += (Half::Round(-HUGE_VALF).bits & 0x7FFF) != infinity;
  CHECK(bad == 0, std::to_string(bad) + " with " + std::to_string(digits) + " digits");
}

template <typename Real>
void TestOrder(const std::string& where) {
  const Real nan = std::numeric_limits<Real>::quiet_NaN();
  const auto least = [](Real a, Real b) { return Minimum::Apply(a, b); };
  const auto greatest = [](Real a, Real b) { return Maximum::Apply(a, b); };
  CHECK(least(1, 2) == 1 && least(2, 1) == 1 && greatest(1, 2) == 2 && greatest(2, 1) == 2, where);
  CHECK(std::isnan(least(nan, 1)) && std::isnan(least(1, nan)), where);
  CHECK(std::isnan(greatest(nan, 1)) && std::isnan(greatest(1, nan)), where);
  CHECK(std::signbit(least(Real{0}, -Real{0})) && std::signbit(least(-Real{0}, Real{0})), where);
  CHECK(!std::signbit(greatest(Real{0}, -Real{0})) && !std::signbit(greatest(-Real{0}, Real{0})),
        where);

  using C = Complex<Real>;
  const auto same = [](C a, Real re, Real im) { return a.re == re && a.im == im; };
  CHECK(same(Minimum::Apply(C{1, 5}, C{2, 0}), 1, 5), where);
  CHECK(same(Minimum::Apply(C{1, 5}, C{1, 3}), 1, 3), where);
  CHECK(same(Maximum::Apply(C{1, 5}, C{1, 3}), 1, 5), where);
  CHECK(IsNan(Maximum::Apply(C{9, nan}, C{1, 3})) && IsNan(Maximum::Apply(C{9, 0}, C{nan, 3})),
        where);
  CHECK(IsNan(Minimum::Apply(C{0, 0}, C{1, nan})), where);
  CHECK(same(Multiply::Apply(C{1, 2}, C{3, -4}), 11, 2), where);
}

template <typename T>
void TestWrapping(const std::string& where) {
  const T low = std::numeric_limits<T>::min(), high = std::numeric_limits<T>::max();
  CHECK(Add::Apply(high, T{1}) == low, where);
  CHECK(Multiply::Apply(high, high) == T{1}, where);
  CHECK(Minimum::Apply(low, high) == low && Maximum::Apply(low, high) == high, where);
}

}  // namespace
}  // namespace brainvar

int main() {
  brainvar::TestRounding<brainvar::Float16>(10, 15);
  brainvar::TestRounding<brainvar::BFloat16>(7, 127);
  brainvar::TestOrder<float>("float");
  brainvar::TestOrder<double>("double");
  brainvar::TestWrapping<int8_t>("int8");
  brainvar::TestWrapping<int16_t>("int16");
  brainvar::TestWrapping<int32_t>("int32");
  brainvar::TestWrapping<int64_t>("int64");
  brainvar::TestWrapping<uint8_t>("uint8");
  brainvar::TestWrapping<uint16_t>("uint16");
  brainvar::TestWrapping<uint32_t>("uint32");
  brainvar::TestWrapping<uint64_t>("uint64");
  return brainvar::test::Report("combine");
}
