// The accumulators under one ws column: two banks of BANK entries, of which each reads one and writes one a cycle.
//
// Sums arrive in the order (strip of columns, turn of streamed rows, k fold, row): the first k fold of a turn is stored,
// every later one is added; with `continues` sums of an earlier part of k stand there and the first is added as well.
// A strip has turns of `turn` rows, `longer` of them, and then of one row less.
// With `waits` all sums stand behind each other in the first bank until `drain`. Otherwise a turn's sums have one bank, the
// next turn's the other, and finished ones leave, one a cycle, while others come.
// What leaves goes to entry strip * streamed + row of the results.
module accumulator #(
    parameter ROWS = 4, parameter ACC = 32, parameter WRAP = 0, parameter BANK = 256, parameter SIZE = 16
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  valid,
    input  wire signed [ACC-1:0] sum,
    input  wire [SIZE-1:0]       streamed,
    input  wire [SIZE-1:0]       inner,          // k
    input  wire [SIZE-1:0]       turn,
    input  wire [SIZE-1:0]       longer,
    input  wire                  waits,
    input  wire                  continues,
    input  wire                  drain,          // with `waits`: the product has ended
    output wire                  over,
    output wire                  leaves,
    output wire signed [ACC-1:0] finished,
    output reg  [SIZE-1:0]       entry,
    output wire                  empty,          // every finished sum has left
    output wire                  clash           // a bank would have to read twice or write twice
);
    reg signed [ACC-1:0] bank [0:2*BANK-1];
    reg [SIZE-1:0] row, k0, first, index, base;              // of the sum that comes
    reg [SIZE-1:0] out_row, out_first, out_index, out_base;  // of the sum that leaves
    reg [SIZE-1:0] ready;                                    // turns that are finished and have not left

    wire [SIZE-1:0]      length = index < longer ? turn : turn - 1;
    wire [SIZE-1:0]      place = base + row;
    wire                 adds = k0 != 0 || continues;
    wire signed [ACC:0]  exact = bank[place] + sum;
    wire signed [ACC-1:0] held;
    wire                 beyond;
    wire                 last_fold = k0 + ROWS >= inner;
    wire                 ends = valid && last_fold && row == length - 1;
    wire                 strip_ends = first + length == streamed;

    narrow #(.IN(ACC + 1), .OUT(ACC), .WRAP(WRAP)) fit (.exact(exact), .held(held), .over(beyond));
    assign over = valid && adds && beyond;

    wire [SIZE-1:0] out_length = out_index < longer ? turn : turn - 1;
    wire            out_ends = leaves && out_row == out_length - 1;
    assign leaves = ready != 0 && (!waits || drain);
    assign finished = bank[out_base + out_row];
    assign empty = ready == 0;
    assign clash = leaves && valid && adds && (place < BANK) == (out_base < BANK);

    always @(posedge clk)
        if (rst) begin
            row <= 0;
            k0 <= 0;
            first <= 0;
            index <= 0;
            base <= 0;
            out_row <= 0;
            out_first <= 0;
            out_index <= 0;
            out_base <= 0;
            entry <= 0;
            ready <= 0;
        end else begin
            ready <= ready + ends - out_ends;
            if (valid) begin
                bank[place] <= adds ? held : sum;
                row <= row + 1;
                if (row == length - 1) begin
                    row <= 0;
                    k0 <= last_fold ? 0 : k0 + ROWS;
                end
            end
            if (ends) begin
                base <= waits ? base + length : (base == 0 ? BANK : 0);
                first <= strip_ends ? 0 : first + length;
                index <= strip_ends ? 0 : index + 1;
            end
            if (leaves) begin
                out_row <= out_ends ? 0 : out_row + 1;
                entry <= entry + 1;
            end
            if (out_ends) begin
                out_base <= waits ? out_base + out_length : (out_base == 0 ? BANK : 0);
                out_first <= out_first + out_length == streamed ? 0 : out_first + out_length;
                out_index <= out_first + out_length == streamed ? 0 : out_index + 1;
            end
        end
endmodule
