#include "video_writer.hpp"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/opt.h>
}

#include <algorithm>
#include <array>
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
constexpr int MPEG4_TICKS = 65'535;    // ISO/IEC 14496-2, vop_time_increment_resolution has 16 bits


}  // namespace

void refuse_unless_video(const fs::path& path) {
    const std::string suffix = lower_suffix(path);
    if (std::find(SUFFIXES.begin(), SUFFIXES.end(), suffix) == SUFFIXES.end()) {
        throw Error(path.string() + ": cannot write a video of this kind", "",
                    "end it in one of: .mp4, .mov, .m4v, .mkv");
    }
    if (is_folder(path)) {
        throw Error(path.string() + ": a folder of this name is in the way", "", "name a file");
    }
}

VideoWriter::VideoWriter(fs::path path, cv::Size size, AVRational fps, const fs::path& sound_of)
    : path_(std::move(path)),
      part_(path_),
      size_(size),
      even_(size.width + size.width % 2, size.height + size.height % 2),
      frame_(av_frame_alloc()),
      packet_(av_packet_alloc()) {
    refuse_unless_video(path_);
    make_writable(path_.parent_path());
    av_log_set_level(AV_LOG_QUIET);
    if (!sound_of.empty()) sound_.emplace(sound_of);
    if (sound_ && !*sound_) sound_.reset();
    open(fps);
    frame_->format = AV_PIX_FMT_YUV420P;
    frame_->width = even_.width;
    frame_->height = even_.height;
}

/// Opens the file; without the sound where that is what FFmpeg refuses, as it does TrueHD in MP4.
void VideoWriter::open(AVRational fps) {
    AVFormatContext* format = nullptr;
    const std::string part = ffmpeg::file_url(part_.path());
    check(avformat_alloc_output_context2(&format, nullptr, nullptr, part.c_str()), "cannot be written");
    output_.reset(format);
    const auto before = thread_ids();
    open_encoder(fps);
    threads_ = minus(thread_ids(), before);
    AVStream* const stream = avformat_new_stream(format, nullptr);
    if (stream == nullptr) throw std::bad_alloc();
    check(avcodec_parameters_from_context(stream->codecpar, codec_.get()), "cannot be written");
    stream->time_base = codec_->time_base;
    stream->avg_frame_rate = codec_->framerate;
    if (sound_) sound_->join(*format);
    check(avio_open(&format->pb, part.c_str(), AVIO_FLAG_WRITE), "cannot be written");
    const int begun = begin_file();
    if (begun < 0 && sound_ && format->pb->error == 0) {
        notes_.push_back("note: the sound is left out: " + ffmpeg::words(begun));
        sound_.reset();
        return open(fps);
    }
    check(begun, "cannot be written");
}

int VideoWriter::begin_file() {
    AVDictionary* options = nullptr;
    // The index first, so that a player can begin before the file is whole.
    if (lower_suffix(path_) != ".mkv") av_dict_set(&options, "movflags", "faststart", 0);
    const int begun = avformat_write_header(output_.get(), &options);
    av_dict_free(&options);
    return begun;
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
    clock_.emplace(fps, encoder->id == AV_CODEC_ID_MPEG4 ? MPEG4_TICKS : 0);
    codec_->time_base = clock_->time_base();
    codec_->framerate = clock_->rate();
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

void VideoWriter::write(const cv::Mat& picture, std::optional<double> time) {
    if (!end_) start_ = time.value_or(0);
    const cv::Mat* even = &picture;
    if (even_ != size_) {
        cv::copyMakeBorder(picture, doubled_, 0, even_.height - size_.height, 0, even_.width - size_.width,
                           cv::BORDER_REPLICATE);
        even = &doubled_;
    }
    cv::Mat yuv = planes();
    cv::cvtColor(*even, yuv, cv::COLOR_BGR2YUV_I420);
    frame_->pts = clock_->tick(time);
    end_ = frame_->pts + clock_->frame_ticks();
    encode(frame_.get());
    write_sound(frame_->pts);
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
    if (!end_) return;
    encode(nullptr);
    write_sound(*end_);
    check(av_write_trailer(output_.get()), "cannot be finished");
    check(output_->pb->error, "cannot be finished");
    check(avio_closep(&output_->pb), "cannot be finished");
    try {
        part_.keep();
    } catch (const fs::filesystem_error& error) {
        throw Error(path_.string() + ": cannot be finished", error.code().message(), "choose another place");
    }
}

void VideoWriter::write_sound(std::int64_t until) {
    if (sound_) check(sound_->until(clock_->seconds(until), start_), "cannot be written to");
}

std::vector<std::string> VideoWriter::notes() const {
    auto notes = notes_;
    if (sound_) notes.insert(notes.end(), sound_->notes().begin(), sound_->notes().end());
    return notes;
}

/// nullptr: the last frames come out.
void VideoWriter::encode(AVFrame* frame) {
    check(avcodec_send_frame(codec_.get(), frame), "cannot be written to");
    while (true) {
        const int received = avcodec_receive_packet(codec_.get(), packet_.get());
        if (received == AVERROR(EAGAIN) || received == AVERROR_EOF) return;
        check(received, "cannot be written to");
        packet_->duration = clock_->frame_ticks();
        av_packet_rescale_ts(packet_.get(), codec_->time_base, output_->streams[0]->time_base);
        check(av_interleaved_write_frame(output_.get(), packet_.get()), "cannot be written to");
        check(output_->pb->error, "cannot be written to");
    }
}

void VideoWriter::check(int result, const char* what) const {
    if (result < 0) throw Error(path_.string() + ": " + what, ffmpeg::words(result), "free some space, or choose another place");
}

}  // namespace skyseg
