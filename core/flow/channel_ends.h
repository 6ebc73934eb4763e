// The two ends of a Channel as Source and Sink: how stages on different threads are joined.
//
//   Channel<Chunk> chunks({.items = 256});
//   group.spawn("chunk", [&](const CancelToken& cancel) -> Status {
//     ChannelSource in(files, cancel);
//     ChannelSink out(chunks, cancel);
//     PLK_TRY(chunk_files(in, out));
//     chunks.close();                    // reached only if the stage finished its work
//     return {};
//   });
//
// A stage that fails closes nothing: its error cancels the group, and the token wakes the
// neighbours. Without a TaskGroup around the stages, fail() both channels instead.
//
// Thread rule: any thread, as the channel itself. An end refers to the channel and owns
// nothing; several ends of one channel share its items.
#pragma once

#include <utility>

#include "core/flow/channel.h"
#include "core/flow/sink.h"
#include "core/flow/source.h"

namespace plakar::flow {

template <class T, class Weigh = Weightless>
class ChannelSource final : public Source<T> {
 public:
  ChannelSource(Channel<T, Weigh>& channel, CancelToken cancel)
      : channel_(channel), cancel_(std::move(cancel)) {}

  Result<bool> next(T& item) override { return channel_.pop(item, cancel_); }

 private:
  Channel<T, Weigh>& channel_;
  CancelToken cancel_;
};

template <class T, class Weigh = Weightless>
class ChannelSink final : public Sink<T> {
 public:
  ChannelSink(Channel<T, Weigh>& channel, CancelToken cancel)
      : channel_(channel), cancel_(std::move(cancel)) {}

  Status push(T&& item) override { return channel_.push(std::move(item), cancel_); }

 private:
  Channel<T, Weigh>& channel_;
  CancelToken cancel_;
};

}  // namespace plakar::flow
