#pragma once

#include <fp4.h>

namespace fp4::program {

/// Shows a job on standard error: a bar with the time left on a terminal, now and then a plain line
/// otherwise.
class Progress {
  public:
    /// Nothing is shown in the first `delay_seconds` of the job, so that short work leaves no trace.
    explicit Progress(bool quiet, double delay_seconds = 0);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void update(const fp4_job_progress& progress);

    /// Removes the bar.
    void finish();

  private:
    void draw_bar(const fp4_job_progress& progress);
    void print_line(const fp4_job_progress& progress);

    bool quiet_;
    double delay_;
    int last_tenth_ = -1;
    double last_line_ = 0;
};

/// While it lives, standard error is free of the bar and nobody else writes there.
class ProgressPause {
  public:
    ProgressPause();
    ~ProgressPause();
    ProgressPause(const ProgressPause&) = delete;
    ProgressPause& operator=(const ProgressPause&) = delete;
};

} // namespace fp4::program
