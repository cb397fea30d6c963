#include "sound.hpp"

#include <cmath>
#include <new>

namespace skyseg {
namespace {

constexpr double ROUNDING_S = 1e-6;

/// FFmpeg writes PCM into MP4, which few players know there.
bool holds(const AVOutputFormat& format, AVCodecID codec) {
    const std::string name = format.name, sound = avcodec_get_name(codec);
    if (sound.rfind("pcm_", 0) == 0 && (name == "mp4" || name == "ipod")) return false;
    return avformat_query_codec(&format, codec, FF_COMPLIANCE_NORMAL) == 1;
}

/// What only the disk, not the sound, can be blamed for.
bool is_of_the_disk(int error) { return error == AVERROR(ENOSPC) || error == AVERROR(EFBIG) || error == AVERROR(EIO); }

}  // namespace

SoundTracks::SoundTracks(const std::filesystem::path& video) : packet_(av_packet_alloc()) {
    if (!packet_) throw std::bad_alloc();
    AVFormatContext* format = nullptr;
    if (avformat_open_input(&format, ffmpeg::file_url(video).c_str(), nullptr, nullptr) < 0) return;
    input_.reset(format);
    if (avformat_find_stream_info(format, nullptr) < 0) return;
    const int pictures = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (pictures >= 0) video_ = format->streams[pictures];
    for (unsigned i = 0; i < format->nb_streams; ++i) {
        AVStream& stream = *format->streams[i];
        if (stream.codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
            sounds_.push_back(&stream);
        } else {
            stream.discard = AVDISCARD_ALL;  // the pictures would be read from the disk a second time
        }
    }
}

void SoundTracks::join(AVFormatContext& output) {
    output_ = &output;
    for (const AVStream* const sound : sounds_) {
        const AVCodecID codec = sound->codecpar->codec_id;
        if (!holds(*output.oformat, codec)) {
            notes_.push_back(std::string("note: sound in ") + avcodec_get_name(codec) + " is left out: " +
                             output.oformat->name + " files hold none");
            continue;
        }
        AVStream* const stream = avformat_new_stream(&output, nullptr);
        if (stream == nullptr || avcodec_parameters_copy(stream->codecpar, sound->codecpar) < 0) throw std::bad_alloc();
        stream->codecpar->codec_tag = 0;  // of the old container
        stream->time_base = sound->time_base;
        tracks_[sound->index].stream = stream;
    }
}

int SoundTracks::until(double seconds, double start) {
    if (tracks_.empty()) return 0;
    while (waits_ || next()) {
        if (!waits_ && !place(start)) continue;
        waits_ = true;
        const AVStream& stream = *output_->streams[packet_->stream_index];
        if (static_cast<double>(packet_->pts) * av_q2d(stream.time_base) >= seconds) return 0;
        waits_ = false;
        const int written = av_interleaved_write_frame(output_, packet_.get());
        if (is_of_the_disk(written)) return written;
        if (written < 0 && !gap_told_) {
            notes_.push_back("note: some of the sound is left out: " + ffmpeg::words(written));
            gap_told_ = true;
        }
    }
    return 0;
}

/// Reads the next packet of a track; false after the last.
bool SoundTracks::next() {
    while (!ended_) {
        av_packet_unref(packet_.get());
        const int read = av_read_frame(input_.get(), packet_.get());
        ended_ = read < 0;
        if (ended_ && read != AVERROR_EOF) {
            notes_.push_back("note: the sound ends early, because it is damaged: " + ffmpeg::words(read));
        }
        if (!ended_ && tracks_.count(packet_->stream_index) > 0) return true;
    }
    return false;
}

/// Puts the packet on the new file's clock; false if it sounds before the file begins.
bool SoundTracks::place(double start) {
    AVPacket& packet = *packet_;
    Track& track = tracks_.at(packet.stream_index);
    const AVStream& sound = *input_->streams[packet.stream_index];
    if (packet.pts == AV_NOPTS_VALUE) return false;
    if (packet.dts == AV_NOPTS_VALUE) packet.dts = packet.pts;
    if (track.latest != AV_NOPTS_VALUE && packet.dts + track.shift <= track.latest) track.shift = track.end - packet.dts;
    packet.pts += track.shift;
    packet.dts += track.shift;
    track.latest = packet.dts;
    track.end = packet.dts + std::max<std::int64_t>(packet.duration, 1);
    const double first = video_->start_time == AV_NOPTS_VALUE
                             ? 0.0
                             : static_cast<double>(video_->start_time) * av_q2d(video_->time_base);
    const std::int64_t origin = std::llround((first + start) / av_q2d(sound.time_base));
    packet.pts -= origin;
    packet.dts -= origin;
    // A packet that ends where the file begins prepares the decoder for the next one, and is not heard itself; Matroska
    // has no time before its beginning.
    const double length = static_cast<double>(packet.duration) * av_q2d(sound.time_base);
    const double earliest = std::string(output_->oformat->name) == "matroska" ? 0.0 : -length - ROUNDING_S;
    if (static_cast<double>(packet.pts) * av_q2d(sound.time_base) < earliest) return false;
    packet.stream_index = track.stream->index;
    packet.pos = -1;
    av_packet_rescale_ts(&packet, sound.time_base, track.stream->time_base);
    return true;
}

}  // namespace skyseg
