// Takes the finished sums of one os column. Within a fold the last row leaves first; folds come strip by strip of
// rows, column strips inside. Entry strip * m + row holds the result, as in `accumulator`.
module collector #(
    parameter ROWS = 4, parameter COLS = 4, parameter COLUMN = 0, parameter ACC = 32, parameter DEPTH = 256,
    parameter SIZE = 16
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  valid,
    input  wire signed [ACC-1:0] sum,
    input  wire [SIZE-1:0]       m,
    input  wire [SIZE-1:0]       n
);
    reg signed [ACC-1:0] bank [0:DEPTH-1];
    reg [SIZE-1:0] left, m0, n0, base;           // `left`: rows of this fold taken already

    wire [SIZE-1:0] used = m - m0 < ROWS ? m - m0 : ROWS;
    wire            last_strip = n0 + COLS + COLUMN >= n;

    always @(posedge clk)
        if (rst) begin
            left <= 0;
            m0 <= 0;
            n0 <= 0;
            base <= 0;
        end else if (valid) begin
            bank[base + m0 + used - 1 - left] <= sum;
            left <= left + 1;
            if (left == used - 1) begin
                left <= 0;
                n0 <= last_strip ? 0 : n0 + COLS;
                base <= last_strip ? 0 : base + m;
                if (last_strip) m0 <= m0 + ROWS;
            end
        end
endmodule
