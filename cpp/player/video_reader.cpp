#include "video_reader.hpp"

extern "C" {
#include <libavutil/display.h>
}

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iostream>

#include <opencv2/imgproc.hpp>

#include <skyseg/skyseg.hpp>

#include "files.hpp"

namespace fs = std::filesystem;

namespace skyseg {
namespace {

constexpr AVRational DEFAULT_FPS{25, 1};
constexpr double HIGHEST_FPS = 1000;
constexpr int ROW_PADDING = 32;  // pixels
constexpr std::array PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp"};
constexpr double CUT_SHARE = 0.95, CUT_S = 0.5;  // a file that ends before both is reported as cut

void refuse_unless_file(const fs::path& path) {
    if (is_folder(path)) throw Error(path.string() + ": a folder, not a video", "", "for pictures use --images PATH");
    if (access(path.c_str(), R_OK) != 0 && errno == EACCES) {
        throw Error(path.string() + ": may not be read", std::strerror(EACCES), "let yourself in, or name a copy");
    }
    if (!is_file(path)) throw Error(path.string() + ": no such video", "", "check the path");
    if (fs::file_size(path) == 0) throw Error(path.string() + ": an empty file", "", "copy or download it again");
    const std::string suffix = lower_suffix(path);
    if (std::find(PICTURES.begin(), PICTURES.end(), suffix) != PICTURES.end()) {
        throw Error(path.string() + ": a picture, not a video", "", "--images " + path.string());
    }
}

cv::Mat padded(cv::Size size) {
    const int stride = (size.width + ROW_PADDING - 1) / ROW_PADDING * ROW_PADDING;
    return cv::Mat(size.height + 1, stride, CV_8UC3)(cv::Rect({0, 0}, size));
}

const std::int32_t* display_matrix(const AVStream& stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const auto* const data = av_packet_side_data_get(stream.codecpar->coded_side_data,
                                                     stream.codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data == nullptr ? nullptr : reinterpret_cast<const std::int32_t*>(data->data);
#else
    return reinterpret_cast<const std::int32_t*>(
        av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, nullptr));
#endif
}

}  // namespace

VideoReader::VideoReader(fs::path path)
    : path_(std::move(path)), frame_(av_frame_alloc()), packet_(av_packet_alloc()) {
    refuse_unless_file(path_);
    av_log_set_level(AV_LOG_QUIET);  // its complaints would stand above our own message
    const auto before = thread_ids();
    open();
    first_waits_ = codec_ && decode();
    threads_ = minus(thread_ids(), before);
    if (!first_waits_) {
        throw Error(path_.string() + ": no frame can be read from it",
                    "it is not a video, is damaged, or its codec is unknown here",
                    "check that it plays elsewhere; 'ffmpeg -i IN -c:v libx264 OUT.mp4' re-encodes it");
    }
    size_ = {frame_->width, frame_->height};
    if (rotation_ % 180 != 0) std::swap(size_.width, size_.height);
}

/// Leaves codec_ empty if the file is none that can be decoded.
void VideoReader::open() {
    AVFormatContext* format = nullptr;
    if (avformat_open_input(&format, ffmpeg::file_url(path_).c_str(), nullptr, nullptr) < 0) return;
    input_.reset(format);
    if (avformat_find_stream_info(format, nullptr) < 0) return;
    const AVCodec* decoder = nullptr;
    stream_ = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, &decoder, 0);
    if (stream_ < 0 || decoder == nullptr) return;
    AVStream& stream = *format->streams[stream_];
    ffmpeg::Codec codec(avcodec_alloc_context3(decoder));
    if (!codec || avcodec_parameters_to_context(codec.get(), stream.codecpar) < 0) return;
    codec->thread_count = ffmpeg::threads();
    if (avcodec_open2(codec.get(), decoder, nullptr) < 0) return;
    codec_ = std::move(codec);
    read_rotation(stream);
    fps_ = av_guess_frame_rate(format, &stream, nullptr);
    const double fps = av_q2d(fps_);
    if (!(fps > 0 && fps <= HIGHEST_FPS)) {  // NaN too
        std::cerr << path_.string() << ": no usable frame rate inside (" << fps << "); taking " << DEFAULT_FPS.num
                  << " FPS" << std::endl;
        fps_ = DEFAULT_FPS;
    }
}

void VideoReader::read_rotation(const AVStream& stream) {
    const std::int32_t* const matrix = display_matrix(stream);
    if (matrix == nullptr) return;
    const double clockwise = -av_display_rotation_get(matrix);
    if (std::isnan(clockwise)) return;
    const int degrees = (static_cast<int>(std::lround(clockwise)) % 360 + 360) % 360;
    if (degrees % 90 == 0) rotation_ = degrees;
}

std::optional<long> VideoReader::frame_count() const {
    const AVStream& stream = *input_->streams[stream_];
    if (stream.nb_frames > 0) return stream.nb_frames;
    if (input_->duration <= 0) return std::nullopt;
    return std::lround(static_cast<double>(input_->duration) / AV_TIME_BASE * av_q2d(fps_));
}

cv::Mat VideoReader::buffer() const { return padded(size_); }

bool VideoReader::read(cv::Mat& into) {
    if (!first_waits_ && !decode()) {
        ended_ = true;
        return false;
    }
    first_waits_ = false;
    convert(into);
    const auto at = time();
    if (at && given_ == 0) first_time_ = latest_time_ = *at;
    if (at) latest_time_ = std::max(latest_time_, *at);
    ++given_;
    return true;
}

/// In seconds, as the file states it; absent where FFmpeg guesses it from the size of the file.
std::optional<double> VideoReader::duration() const {
    if (input_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) return std::nullopt;
    const AVStream& stream = *input_->streams[stream_];
    if (stream.duration > 0) return static_cast<double>(stream.duration) * av_q2d(stream.time_base);
    if (input_->duration > 0) return static_cast<double>(input_->duration) / AV_TIME_BASE;
    return std::nullopt;
}

/// How far into the video its end was. By the number of frames too: raw streams have no times, and those of recordings
/// that were joined begin anew.
double VideoReader::reached() const {
    const double frame = 1 / av_q2d(fps_);
    return std::max(latest_time_ - first_time_ + frame, static_cast<double>(given_) * frame);
}

std::string VideoReader::ended_early() const {
    const auto stated = duration();
    if (!ended_ || !stated || reached() >= std::min(CUT_SHARE * *stated, *stated - CUT_S)) return "";
    char seconds[80];
    std::snprintf(seconds, sizeof seconds, "%.1f of its %.1f seconds", reached(), *stated);
    return "note: " + path_.string() + ": cut or damaged, ends after " + seconds;
}

std::optional<double> VideoReader::time() const {
    if (frame_->best_effort_timestamp == AV_NOPTS_VALUE) return std::nullopt;
    return static_cast<double>(frame_->best_effort_timestamp) * av_q2d(input_->streams[stream_]->time_base);
}

/// The next frame into frame_; damaged packets are passed over.
bool VideoReader::decode() {
    while (true) {
        const int received = avcodec_receive_frame(codec_.get(), frame_.get());
        if (received >= 0) return true;
        if (received == AVERROR_EOF) return false;
        if (drained_) return false;
        av_packet_unref(packet_.get());
        if (av_read_frame(input_.get(), packet_.get()) < 0) {
            drained_ = true;
            avcodec_send_packet(codec_.get(), nullptr);
        } else if (packet_->stream_index == stream_) {
            avcodec_send_packet(codec_.get(), packet_.get());
        }
    }
}

void VideoReader::convert(cv::Mat& into) {
    const cv::Size found(frame_->width, frame_->height);
    const cv::Size expected = rotation_ % 180 != 0 ? cv::Size(size_.height, size_.width) : size_;
    cv::Mat* target = &into;
    if (rotation_ != 0 || found != expected) {
        if (unrotated_.size() != found) unrotated_ = padded(found);
        target = &unrotated_;
    }
    scale_into(*target);
    if (target == &into) return;
    cv::Mat upright = unrotated_;
    if (rotation_ != 0) {
        const auto turn = rotation_ == 90    ? cv::ROTATE_90_CLOCKWISE
                          : rotation_ == 180 ? cv::ROTATE_180
                                             : cv::ROTATE_90_COUNTERCLOCKWISE;
        cv::rotate(unrotated_, other_size_, turn);
        upright = other_size_;
    }
    // A stream may change its size; the outputs cannot.
    if (upright.size() == size_) {
        upright.copyTo(into);
    } else {
        cv::resize(upright, into, size_, 0, 0, cv::INTER_LINEAR);
    }
}

/// YUV to BGR by the matrix and range that the stream states; BT.601 where it states none.
void VideoReader::scale_into(cv::Mat& into) {
    const bool full_range = frame_->color_range == AVCOL_RANGE_JPEG;
    const Pixels found{frame_->width, frame_->height, frame_->format, frame_->colorspace, full_range};
    if (!scaler_ || found != scaled_) {
        // Not sws_getCachedContext: for full range, odd widths and 4:4:4 it makes a new one each time, unasked, and a new
        // one knows BT.601 alone.
        const auto format = static_cast<AVPixelFormat>(frame_->format);
        scaler_.reset(sws_getContext(frame_->width, frame_->height, format, frame_->width, frame_->height,
                                     AV_PIX_FMT_BGR24, SWS_BICUBIC, nullptr, nullptr, nullptr));
        if (!scaler_) throw Error(path_.string() + ": its pixel format is unknown here", "", "re-encode it");
        const int space = frame_->colorspace == AVCOL_SPC_UNSPECIFIED ? SWS_CS_DEFAULT : frame_->colorspace;
        sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(space), full_range,
                                 sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
        scaled_ = found;
    }
    std::uint8_t* const rows[] = {into.data};
    const int strides[] = {static_cast<int>(into.step)};
    sws_scale(scaler_.get(), frame_->data, frame_->linesize, 0, frame_->height, rows, strides);
}

}  // namespace skyseg
