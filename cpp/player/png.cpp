#include "png.hpp"

extern "C" {
#include <libavutil/imgutils.h>
}

#include <skyseg/skyseg.hpp>

namespace skyseg {
namespace {

constexpr int COMPRESSION = 1;  // zlib's fastest: a mask is a few runs of equal bytes

void check(int result) {
    if (result < 0) throw Error("a mask cannot be encoded as PNG", ffmpeg::words(result));
}

}  // namespace

PngEncoder::PngEncoder(cv::Size size) : frame_(av_frame_alloc()), packet_(av_packet_alloc()) {
    const AVCodec* const encoder = avcodec_find_encoder(AV_CODEC_ID_PNG);
    if (encoder == nullptr) throw Error("FFmpeg has no PNG here", "", "install one with zlib");
    codec_.reset(avcodec_alloc_context3(encoder));
    codec_->width = size.width;
    codec_->height = size.height;
    codec_->pix_fmt = AV_PIX_FMT_GRAY8;
    codec_->time_base = {1, 25};
    codec_->compression_level = COMPRESSION;
    codec_->thread_count = 1;  // or a picture would come out with the next one
    check(avcodec_open2(codec_.get(), encoder, nullptr));
    frame_->format = codec_->pix_fmt;
    frame_->width = size.width;
    frame_->height = size.height;
    check(av_frame_get_buffer(frame_.get(), 0));
}

cv::Mat PngEncoder::encode(const cv::Mat& grey) {
    check(av_frame_make_writable(frame_.get()));
    av_image_copy_plane(frame_->data[0], frame_->linesize[0], grey.data, static_cast<int>(grey.step), grey.cols,
                        grey.rows);
    check(avcodec_send_frame(codec_.get(), frame_.get()));
    av_packet_unref(packet_.get());
    check(avcodec_receive_packet(codec_.get(), packet_.get()));
    return {1, packet_->size, CV_8UC1, packet_->data};
}

}  // namespace skyseg
