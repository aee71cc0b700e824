// The accumulators under one os column: 2 * BANK entries, which read one and write one a cycle.
//
// Finished sums of a fold arrive, the last row first; folds come strip by strip of rows, column strips inside, and lie
// behind each other in a ring. With `continues` sums of an earlier part of k stand there and each is added to its own.
// With `waits` all stay until `drain`; otherwise a fold's sums leave, one a cycle, once all of them are there.
// What leaves goes to entry strip * m + row of the results, as in `accumulator`.
module collector #(
    parameter ROWS = 4, parameter COLS = 4, parameter COLUMN = 0, parameter ACC = 32, parameter WRAP = 0,
    parameter BANK = 256, parameter SIZE = 16
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  valid,
    input  wire signed [ACC-1:0] sum,
    input  wire [SIZE-1:0]       m,
    input  wire [SIZE-1:0]       n,
    input  wire                  waits,
    input  wire                  continues,
    input  wire                  drain,
    output wire                  over,
    output wire                  leaves,
    output wire signed [ACC-1:0] finished,
    output wire [SIZE-1:0]       entry,
    output wire                  empty
);
    localparam RING = 2 * BANK;
    reg signed [ACC-1:0] bank [0:RING-1];
    reg [SIZE-1:0] taken, m0, n0, base;                      // `taken`: rows of this fold
    reg [SIZE-1:0] out_row, out_m0, out_n0, out_base, strip; // of the sum that leaves; m * its strip of columns
    reg [SIZE-1:0] ready;                                    // folds that are there whole

    wire [SIZE-1:0] used = m - m0 < ROWS ? m - m0 : ROWS;
    wire            last_strip = n0 + COLS + COLUMN >= n;
    wire            ends = valid && taken == used - 1;
    wire [SIZE-1:0] behind = base + used - 1 - taken;
    wire [SIZE-1:0] place = behind >= RING ? behind - RING : behind;
    wire signed [ACC:0]   exact = bank[place] + sum;
    wire signed [ACC-1:0] held;
    wire                  beyond;

    narrow #(.IN(ACC + 1), .OUT(ACC), .WRAP(WRAP)) fit (.exact(exact), .held(held), .over(beyond));
    assign over = valid && continues && beyond;

    wire [SIZE-1:0] out_used = m - out_m0 < ROWS ? m - out_m0 : ROWS;
    wire            out_last = out_n0 + COLS + COLUMN >= n;
    wire            out_ends = leaves && out_row == out_used - 1;
    wire [SIZE-1:0] out_behind = out_base + out_row;
    assign leaves = ready != 0 && (!waits || drain);
    assign finished = bank[out_behind >= RING ? out_behind - RING : out_behind];
    assign entry = strip + out_m0 + out_row;
    assign empty = ready == 0;

    always @(posedge clk)
        if (rst) begin
            taken <= 0;
            m0 <= 0;
            n0 <= 0;
            base <= 0;
            out_row <= 0;
            out_m0 <= 0;
            out_n0 <= 0;
            out_base <= 0;
            strip <= 0;
            ready <= 0;
        end else begin
            ready <= ready + ends - out_ends;
            if (valid) begin
                bank[place] <= continues ? held : sum;
                taken <= ends ? 0 : taken + 1;
            end
            if (ends) begin
                base <= base + used >= RING ? base + used - RING : base + used;
                n0 <= last_strip ? 0 : n0 + COLS;
                if (last_strip) m0 <= m0 + ROWS;
            end
            if (leaves) out_row <= out_ends ? 0 : out_row + 1;
            if (out_ends) begin
                out_base <= out_base + out_used >= RING ? out_base + out_used - RING : out_base + out_used;
                out_n0 <= out_last ? 0 : out_n0 + COLS;
                strip <= out_last ? 0 : strip + m;
                if (out_last) out_m0 <= out_m0 + ROWS;
            end
        end
endmodule
