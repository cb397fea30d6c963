#include "video_writer.hpp"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

#include <opencv2/imgproc.hpp>

#include <skyseg/skyseg.hpp>

namespace fs = std::filesystem;

namespace skyseg {
namespace {

constexpr std::array SUFFIXES = {".mp4", ".mov", ".m4v", ".mkv"};
// x264 as the Python player sets it; MPEG-4 part 2 where this FFmpeg has no x264 (it is GPL).
constexpr std::array ENCODERS = {"libx264", "libopenh264", "mpeg4"};
constexpr const char* PRESET = "ultrafast";
constexpr const char* QUALITY = "20";  // x264's constant rate factor
constexpr int MPEG4_QUALITY = 3;       // its quantiser, 1 (best) to 31
constexpr int LARGEST_DENOMINATOR = 1001;  // so that 30000/1001 and its kin come out exactly

AVRational nearest(AVRational fps) {
    AVRational best{0, 1};
    double nearest = INFINITY;
    for (int den = 1; den <= LARGEST_DENOMINATOR; ++den) {
        const AVRational candidate{static_cast<int>(std::lround(av_q2d(fps) * den)), den};
        const double distance = std::abs(av_q2d(candidate) - av_q2d(fps));
        if (candidate.num > 0 && distance < nearest) {
            best = candidate;
            nearest = distance;
        }
    }
    return best;
}

}  // namespace

VideoWriter::VideoWriter(fs::path path, cv::Size size, AVRational fps)
    : path_(std::move(path)),
      part_(path_),
      size_(size),
      even_(size.width + size.width % 2, size.height + size.height % 2),
      frame_(av_frame_alloc()),
      packet_(av_packet_alloc()) {
    const std::string suffix = lower_suffix(path_);
    if (std::find(SUFFIXES.begin(), SUFFIXES.end(), suffix) == SUFFIXES.end()) {
        throw Error(path_.string() + ": cannot write a video of this kind", "",
                    "end it in one of: .mp4, .mov, .m4v, .mkv");
    }
    if (fs::is_directory(path_)) {
        throw Error(path_.string() + ": a folder of this name is in the way", "", "name a file");
    }
    make_writable(path_.parent_path());
    av_log_set_level(AV_LOG_QUIET);
    AVFormatContext* format = nullptr;
    check(avformat_alloc_output_context2(&format, nullptr, nullptr, part_.path().c_str()), "cannot be written");
    output_.reset(format);
    const auto before = thread_ids();
    open_encoder(nearest(fps));
    threads_ = minus(thread_ids(), before);
    AVStream* const stream = avformat_new_stream(format, nullptr);
    if (stream == nullptr) throw std::bad_alloc();
    check(avcodec_parameters_from_context(stream->codecpar, codec_.get()), "cannot be written");
    stream->time_base = codec_->time_base;
    stream->avg_frame_rate = codec_->framerate;
    check(avio_open(&format->pb, part_.path().c_str(), AVIO_FLAG_WRITE), "cannot be written");
    AVDictionary* options = nullptr;
    // The index first, so that a player can begin before the file is whole.
    if (suffix != ".mkv") av_dict_set(&options, "movflags", "faststart", 0);
    const int begun = avformat_write_header(format, &options);
    av_dict_free(&options);
    check(begun, "cannot be written");
    frame_->format = AV_PIX_FMT_YUV420P;
    frame_->width = even_.width;
    frame_->height = even_.height;
}

void VideoWriter::open_encoder(AVRational fps) {
    for (const char* name : ENCODERS) {
        if (!try_encoder(name, fps)) continue;
        if (name != ENCODERS.front()) {
            std::cerr << path_.string() << ": FFmpeg has no " << ENCODERS.front() << " here; writing with " << name
                      << std::endl;
        }
        return;
    }
    throw Error(path_.string() + ": FFmpeg can encode no video here", "", "install one with libx264; or --save-masks DIR");
}

bool VideoWriter::try_encoder(const char* name, AVRational fps) {
    const AVCodec* const encoder = avcodec_find_encoder_by_name(name);
    if (encoder == nullptr) return false;
    codec_.reset(avcodec_alloc_context3(encoder));
    codec_->width = even_.width;
    codec_->height = even_.height;
    codec_->pix_fmt = AV_PIX_FMT_YUV420P;
    codec_->time_base = av_inv_q(fps);
    codec_->framerate = fps;
    codec_->thread_count = ffmpeg::threads();
    // What COLOR_BGR2YUV_I420 produces.
    codec_->colorspace = AVCOL_SPC_SMPTE170M;
    codec_->color_primaries = AVCOL_PRI_SMPTE170M;
    codec_->color_trc = AVCOL_TRC_SMPTE170M;
    codec_->color_range = AVCOL_RANGE_MPEG;
    if (output_->oformat->flags & AVFMT_GLOBALHEADER) codec_->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_opt_set(codec_->priv_data, "preset", PRESET, 0);
    av_opt_set(codec_->priv_data, "crf", QUALITY, 0);
    // Threads within a picture: with one picture per thread, x264 holds 20 MB more at 720p.
    av_opt_set(codec_->priv_data, "x264-params", "sliced-threads=1", 0);
    if (encoder->id == AV_CODEC_ID_MPEG4) {
        codec_->flags |= AV_CODEC_FLAG_QSCALE;
        codec_->global_quality = FF_QP2LAMBDA * MPEG4_QUALITY;
    }
    return avcodec_open2(codec_.get(), encoder, nullptr) >= 0;
}

void VideoWriter::write(const cv::Mat& picture) {
    const cv::Mat* even = &picture;
    if (even_ != size_) {
        cv::copyMakeBorder(picture, doubled_, 0, even_.height - size_.height, 0, even_.width - size_.width,
                           cv::BORDER_REPLICATE);
        even = &doubled_;
    }
    cv::Mat yuv = planes();
    cv::cvtColor(*even, yuv, cv::COLOR_BGR2YUV_I420);
    frame_->pts = pictures_++;
    encode(frame_.get());
}

/// The planes of frame_, one below the other as OpenCV writes them.
cv::Mat VideoWriter::planes() {
    if (frame_->buf[0] == nullptr || !av_buffer_is_writable(frame_->buf[0])) {  // the encoder still holds the last one
        av_buffer_unref(&frame_->buf[0]);
        frame_->buf[0] = av_buffer_alloc(even_.area() * 3 / 2);
        if (frame_->buf[0] == nullptr) throw std::bad_alloc();
        av_image_fill_arrays(frame_->data, frame_->linesize, frame_->buf[0]->data, AV_PIX_FMT_YUV420P, even_.width,
                             even_.height, 1);
    }
    return {even_.height * 3 / 2, even_.width, CV_8UC1, frame_->buf[0]->data};
}

void VideoWriter::finish() {
    if (pictures_ == 0) return;
    encode(nullptr);
    check(av_write_trailer(output_.get()), "cannot be finished");
    check(output_->pb->error, "cannot be finished");
    check(avio_closep(&output_->pb), "cannot be finished");
    try {
        part_.keep();
    } catch (const fs::filesystem_error& error) {
        throw Error(path_.string() + ": cannot be finished", error.code().message(), "choose another place");
    }
}

/// nullptr: the last frames come out.
void VideoWriter::encode(AVFrame* frame) {
    check(avcodec_send_frame(codec_.get(), frame), "cannot be written to");
    while (true) {
        const int received = avcodec_receive_packet(codec_.get(), packet_.get());
        if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return;
        check(received, "cannot be written to");
        packet_->duration = 1;
        av_packet_rescale_ts(packet_.get(), codec_->time_base, output_->streams[0]->time_base);
        check(av_interleaved_write_frame(output_.get(), packet_.get()), "cannot be written to");
        check(output_->pb->error, "cannot be written to");
    }
}

void VideoWriter::check(int result, const char* what) const {
    if (result < 0) throw Error(path_.string() + ": " + what, ffmpeg::words(result), "free some space, or choose another place");
}

}  // namespace skyseg
