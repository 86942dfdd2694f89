// What the coordinator takes from outside, and no more. Every string, list and number of a request has one of
// these limits; docs/security.md has them as a table.
//
// Each stands far above what our own programs send and far below what would harm: memory, a row that no tool
// can show, a number that JSON cannot carry. What is over one is refused with the field, how much it was and
// what is allowed (checks.h); strings must be UTF-8 besides.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace lorikeet::rpc {

// ---- strings, in bytes
// Ours have at most 24 ("a-4k2v9x0m1000073c1p"). A longer one names nothing, and would be echoed in answers.
inline constexpr std::size_t kMostIdBytes = 64;
inline constexpr std::size_t kMostHostnameBytes = 255;  // of a DNS name, at most 253
inline constexpr std::size_t kMostBuildBytes = 128;     // "0.1.0 (0123456789ab-dirty)"
inline constexpr std::size_t kMostWordBytes =
    256;  // kinds, phases, levels, devices and their models, metrics' names
inline constexpr std::size_t kMostDocumentIdBytes = 4096;  // whatever the data set calls its documents
// A person reads it: the trainer's last words, a warning, the reason of a failure. It is stored, and stays in
// memory.
inline constexpr std::size_t kMostTextBytes = std::size_t{1} << 20;
// SWEEP/TRIAL: a sweep's name and every axis with its value.
inline constexpr std::size_t kMostNameBytes = 8192;
// Why a slot is not offered, or a file cannot be read: each stays in memory.
inline constexpr std::size_t kMostReasonBytes = 8192;        // a path, and what is wrong with it
inline constexpr std::size_t kMostPathBytes = 4096;          // PATH_MAX
inline constexpr std::size_t kMostSweepFileBytes = 1 << 20;  // a hundred arms have some kilobytes
inline constexpr std::size_t kMostVariableBytes = 32 << 10;  // the value of one ${NAME} of a sweep file
inline constexpr std::size_t kMostEventBytes = std::size_t{17} << 20;  // a trainer's line has at most 16 MiB

// ---- lists
inline constexpr std::int64_t kMostSlots = 1024;  // of one host: its GPUs, or shares of its cores
inline constexpr std::int64_t kMostLabels = 64;   // of one host; each a word of common/labels.h
// Attempts that a worker runs or has not handed in. Each is a lookup in the turn of its Hello or Renew.
inline constexpr std::int64_t kMostHeld = 10'000;
inline constexpr std::int64_t kMostLeases = 10'000;
inline constexpr std::int64_t kMostEventsABatch =
    1024;  // a worker sends 256: one batch is a part of one transaction
inline constexpr std::int64_t kMostVariables = 1024;
inline constexpr std::int64_t kMostMetrics = 16;         // of a table's columns
inline constexpr std::int64_t kMostBenchmarks = 10'000;  // two a configuration
inline constexpr std::int64_t kMostFiles = 16;  // that a trial reads: its model, its data, an adapter
// Documents of one message of scores: a few hundred come.
inline constexpr std::int64_t kMostScoredDocuments = 10'000;
// All uploads of scores that have not been taken in stay in memory: so much together. 6,700 documents of 20
// seeds with their summaries take 200 MB.
inline constexpr std::int64_t kMostScoreBytes = std::int64_t{512} << 20;
// Transfers of files at a time; whoever comes on top is told to try again later.
inline constexpr int kMostUploads = 16, kMostDownloads = 16;
// Extracts of the database at a time: each has a connection to it.
inline constexpr int kMostExtracts = 16;

// ---- numbers
// Steps, positions, counts, bytes, tokens: from 0 up to what a double, and so JSON, carries exactly.
inline constexpr std::int64_t kMostCount = std::int64_t{1} << 53;
inline constexpr std::int64_t kMostSlotIndex = 1'000'000;
inline constexpr std::int64_t kMostPlotSide = 10'000;        // points, or columns and rows
inline constexpr std::int64_t kMostEventsAnAnswer = 10'000;  // of ListEvents; more are asked for again

// ---- time
// A stream costs memory and a place among the open files; one that does not say who it is has no claim to
// them.
inline constexpr std::chrono::seconds kHelloWithin{10};
// Renewals come six to a lease. A worker that says nothing for so many leases is gone, whatever TCP believes.
inline constexpr int kMostSilentLeases = 3;
// A transfer of files that brings nothing for so long holds a place that others wait for.
inline constexpr std::chrono::seconds kMostSilentTransfer{60};
// An extract may go to a person who reads it page by page.
inline constexpr std::chrono::seconds kMostSilentExtract{600};

}  // namespace lorikeet::rpc
