#include "core/ops/calendar.h"

#include <array>
#include <cstdio>

namespace plakar::ops {
namespace {

constexpr std::int64_t floor_div(std::int64_t a, std::int64_t b) noexcept {
  return a / b - (a % b < 0 ? 1 : 0);
}

// std::chrono::year ends with the year 32767; times in stores need not.
struct Date {
  std::int64_t year;
  int month;  // from 1
  int day;    // from 1
};

// Counted from March 1st of the year 0, so that the leap day is the last of its year. Then 400
// years are 146,097 days, and the months from March on begin at (153 m + 2) / 5.
Date date_of(std::int64_t days_since_1970) noexcept {
  const std::int64_t days = days_since_1970 + 719'468;
  const std::int64_t era = floor_div(days, 146'097);
  const std::int64_t in_era = days - era * 146'097;
  const std::int64_t year = (in_era - in_era / 1'460 + in_era / 36'524 - in_era / 146'096) / 365;
  const auto in_year = static_cast<int>(in_era - (365 * year + year / 4 - year / 100));
  const int month = (5 * in_year + 2) / 153;
  const int day = in_year - (153 * month + 2) / 5 + 1;
  return {.year = era * 400 + year + (month >= 10 ? 1 : 0),
          .month = month < 10 ? month + 3 : month - 9,
          .day = day};
}

std::int64_t day_of(UnixTime time) noexcept { return floor_div(time.seconds, 86'400); }
// 1970-01-01 was a Thursday.
std::int64_t week_of(std::int64_t day) noexcept { return floor_div(day + 3, 7); }
int weekday_of(std::int64_t day) noexcept { return static_cast<int>(day + 3 - week_of(day) * 7); }

// From 0, a Monday; nothing for what is no weekday.
std::optional<int> weekday(Period period) noexcept {
  if (period < Period::monday || period > Period::sunday) return std::nullopt;
  return static_cast<int>(period) - static_cast<int>(Period::monday);
}

std::int64_t number_of(Period period, UnixTime time) noexcept {
  switch (period) {
    case Period::minute:
      return floor_div(time.seconds, 60);
    case Period::hour:
      return floor_div(time.seconds, 3'600);
    case Period::day:
      return day_of(time);
    case Period::monday:
    case Period::tuesday:
    case Period::wednesday:
    case Period::thursday:
    case Period::friday:
    case Period::saturday:
    case Period::sunday:
    case Period::week:
      return week_of(day_of(time));
    case Period::month: {
      const Date date = date_of(day_of(time));
      return date.year * 12 + date.month - 1;
    }
    case Period::year:
      return date_of(day_of(time)).year;
  }
  return 0;
}

std::string padded(std::int64_t number, int digits) {
  std::array<char, 32> text;
  std::snprintf(text.data(), text.size(), "%0*lld", digits, static_cast<long long>(number));
  return text.data();
}

std::string day_key(std::int64_t day) {
  const Date date = date_of(day);
  return padded(date.year, 4) + '-' + padded(date.month, 2) + '-' + padded(date.day, 2);
}

std::string hour_key(std::int64_t hour) {
  const std::int64_t day = floor_div(hour, 24);
  return day_key(day) + '-' + padded(hour - day * 24, 2);
}

std::string week_key(std::int64_t week) {
  const std::int64_t thursday = week * 7;
  const std::int64_t year = date_of(thursday).year;
  std::int64_t number = 1;
  while (date_of(thursday - number * 7).year == year) ++number;
  return padded(year, 4) + "-W" + padded(number, 2);
}

}  // namespace

std::optional<Bucket> bucket_of(Period period, UnixTime time) noexcept {
  const auto day = weekday(period);
  if (day && weekday_of(day_of(time)) != *day) return std::nullopt;
  return Bucket{period, number_of(period, time)};
}

Bucket last_bucket(Period period, UnixTime time) noexcept {
  const auto day = weekday(period);
  const bool yet_to_come = day && weekday_of(day_of(time)) < *day;
  return {period, number_of(period, time) - (yet_to_come ? 1 : 0)};
}

std::string to_string(const Bucket& bucket) {
  switch (bucket.period) {
    case Period::minute: {
      const std::int64_t hour = floor_div(bucket.number, 60);
      return hour_key(hour) + ':' + padded(bucket.number - hour * 60, 2);
    }
    case Period::hour:
      return hour_key(bucket.number);
    case Period::day:
      return day_key(bucket.number);
    case Period::monday:
    case Period::tuesday:
    case Period::wednesday:
    case Period::thursday:
    case Period::friday:
    case Period::saturday:
    case Period::sunday:
      return week_key(bucket.number) + '-' + std::string(to_string(bucket.period));
    case Period::week:
      return week_key(bucket.number);
    case Period::month: {
      const std::int64_t year = floor_div(bucket.number, 12);
      return padded(year, 4) + '-' + padded(bucket.number - year * 12 + 1, 2);
    }
    case Period::year:
      return padded(bucket.number, 4);
  }
  return {};
}

}  // namespace plakar::ops
