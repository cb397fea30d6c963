// Owners for what FFmpeg's C interface hands out.
#pragma once

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libswscale/swscale.h>
}

#include <algorithm>
#include <filesystem>
#include <memory>
#include <string>

#include "../src/hardware.hpp"

namespace skyseg::ffmpeg {

struct Free {
    void operator()(AVFrame* frame) const { av_frame_free(&frame); }
    void operator()(AVPacket* packet) const { av_packet_free(&packet); }
    void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
    void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
};
using Frame = std::unique_ptr<AVFrame, Free>;
using Packet = std::unique_ptr<AVPacket, Free>;
using Codec = std::unique_ptr<AVCodecContext, Free>;
using Scaler = std::unique_ptr<SwsContext, Free>;

struct CloseInput {
    void operator()(AVFormatContext* format) const { avformat_close_input(&format); }
};
using Input = std::unique_ptr<AVFormatContext, CloseInput>;

struct CloseOutput {
    void operator()(AVFormatContext* format) const {
        avio_closep(&format->pb);
        avformat_free_context(format);
    }
};
using Output = std::unique_ptr<AVFormatContext, CloseOutput>;

/// For a codec: half of the cores, as the other half infers. Each thread of a decoder holds pictures of its own.
inline int threads() { return std::max(1, cores() / 2); }

/// A file's name as FFmpeg takes it for no address: "12:30.mp4" would be of the protocol "12".
inline std::string file_url(const std::filesystem::path& path) { return "file:" + path.string(); }

inline std::string words(int error) {
    char text[AV_ERROR_MAX_STRING_SIZE] = {};
    av_strerror(error, text, sizeof text);
    return text;
}

}  // namespace skyseg::ffmpeg
